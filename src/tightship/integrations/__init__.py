"""One module per neighbour system, each as pure as it can be. Still empty."""
