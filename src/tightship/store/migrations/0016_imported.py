from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('store', '0015_advisories'),
    ]

    operations = [
        migrations.AddField(
            model_name='server',
            name='imported',
            field=models.CharField(blank=True, db_default='', default='', help_text='from which file, where no probe reports it', max_length=200),
        ),
    ]
