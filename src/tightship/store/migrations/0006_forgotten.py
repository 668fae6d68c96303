from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("store", "0005_indexes"),)

    operations = (
        migrations.CreateModel(
            name="Forgotten",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("before", models.DateTimeField(unique=True)),
            ],
        ),
    )
