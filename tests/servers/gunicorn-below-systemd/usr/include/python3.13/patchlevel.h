#define PY_VERSION      "3.13.5"
