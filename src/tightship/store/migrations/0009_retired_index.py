from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('store', '0008_retired'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='server',
            index=models.Index(condition=models.Q(('retired__isnull', False)), fields=['retired'], name='server_retired'),
        ),
    ]
