from django.db import migrations, models

# What was found before is searched as well.
SITES = """
    INSERT INTO store_term (kind, "of", text)
    SELECT DISTINCT 'site', '', name FROM store_foundsite WHERE name <> ''"""
RELEASES = """
    INSERT INTO store_term (kind, "of", text)
    SELECT DISTINCT 'release', a.name, g.release
    FROM store_foundgroup g JOIN store_application a ON a.id = g.application_id
    WHERE g.release <> ''"""


class Migration(migrations.Migration):

    dependencies = [
        ('store', '0003_findings'),
    ]

    operations = [
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(help_text='site or release', max_length=10)),
                ('of', models.CharField(blank=True, help_text='a release: name of the application', max_length=200)),
                ('text', models.CharField(max_length=300)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'of', 'text'), name='one_term')],
            },
        ),
        migrations.AddIndex(
            model_name='version',
            index=models.Index(fields=['version'], name='version_alone'),
        ),
        migrations.AddIndex(
            model_name='foundgroup',
            index=models.Index(condition=models.Q(('until', None)), fields=['application', 'release'], name='group_release'),
        ),
        migrations.RunSQL(SITES, migrations.RunSQL.noop),
        migrations.RunSQL(RELEASES, migrations.RunSQL.noop),
    ]
