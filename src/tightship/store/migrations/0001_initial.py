import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Application',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True)),
                ('owner', models.CharField(blank=True, max_length=200)),
                ('url', models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='LoginLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('expires', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Package',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='PEP 503', max_length=200, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='PackageSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=40, unique=True)),
                ('size', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='Server',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True)),
                ('machine_id', models.CharField(blank=True, db_index=True, max_length=64)),
                ('first_seen', models.DateTimeField()),
                ('last_seen', models.DateTimeField(db_index=True, help_text='when its newest report came in')),
                ('reported_at', models.DateTimeField(help_text="the newest report's moment, by our clock")),
                ('said_at', models.DateTimeField(help_text="the same, by the server's own clock")),
                ('skew', models.FloatField(help_text="seconds that our clock is ahead of the server's", null=True)),
                ('digest', models.CharField(help_text='of the state in the newest report', max_length=40)),
                ('complete', models.BooleanField(default=True)),
                ('live', models.TextField(default='{}', help_text='`live` of the newest report, as JSON')),
            ],
        ),
        migrations.CreateModel(
            name='Token',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(help_text='report or read', max_length=20)),
                ('server', models.CharField(blank=True, help_text='the one server that it may report for', max_length=200)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('created', models.DateTimeField()),
                ('expires', models.DateTimeField(null=True)),
                ('last_used', models.DateTimeField(null=True)),
                ('revoked', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Instance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stage', models.CharField(blank=True, max_length=200)),
                ('base', models.CharField(blank=True, max_length=300)),
                ('application', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='instances', to='store.application')),
                ('server', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='instances', to='store.server')),
            ],
        ),
        migrations.CreateModel(
            name='FoundSystem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=300)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
                ('data', models.TextField(help_text='this part of the report, as JSON')),
                ('os', models.CharField(blank=True, max_length=200)),
                ('kernel', models.CharField(blank=True, max_length=200)),
                ('unread', models.IntegerField(default=0)),
                ('server', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='store.server')),
            ],
        ),
        migrations.CreateModel(
            name='FoundSite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=300)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
                ('data', models.TextField(help_text='this part of the report, as JSON')),
                ('name', models.CharField(db_index=True, max_length=300)),
                ('to', models.CharField(blank=True, max_length=1000)),
                ('web_server', models.CharField(blank=True, max_length=40)),
                ('group', models.CharField(blank=True, max_length=300)),
                ('application', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sites', to='store.application')),
                ('server', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='store.server')),
            ],
        ),
        migrations.CreateModel(
            name='FoundListener',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=300)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
                ('data', models.TextField(help_text='this part of the report, as JSON')),
                ('protocol', models.CharField(max_length=8)),
                ('address', models.CharField(blank=True, max_length=64)),
                ('port', models.IntegerField(default=0)),
                ('path', models.CharField(blank=True, max_length=1000)),
                ('program', models.CharField(blank=True, max_length=200)),
                ('group', models.CharField(blank=True, help_text='key of the process group', max_length=300)),
                ('stage', models.CharField(blank=True, max_length=200)),
                ('application', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='listeners', to='store.application')),
                ('server', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='store.server')),
            ],
        ),
        migrations.CreateModel(
            name='FoundGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=300)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
                ('data', models.TextField(help_text='this part of the report, as JSON')),
                ('stage', models.CharField(blank=True, max_length=200)),
                ('base', models.CharField(blank=True, max_length=300)),
                ('named_by', models.CharField(blank=True, max_length=200)),
                ('kind', models.CharField(max_length=20)),
                ('type', models.CharField(max_length=20)),
                ('program', models.CharField(blank=True, max_length=200)),
                ('user', models.CharField(blank=True, max_length=200)),
                ('release', models.CharField(blank=True, max_length=200)),
                ('released_by', models.CharField(blank=True, max_length=40)),
                ('python', models.CharField(blank=True, max_length=200)),
                ('environment', models.CharField(blank=True, help_text="key of the server's environment", max_length=300)),
                ('maybe_stale', models.BooleanField(default=False)),
                ('surely_stale', models.BooleanField(default=False)),
                ('conflict', models.BooleanField(default=False)),
                ('unread', models.BooleanField(default=False)),
                ('kept', models.BooleanField(default=False, help_text='not seen by the newest report: as an earlier one had it')),
                ('application', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='groups', to='store.application')),
                ('instance', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='groups', to='store.instance')),
                ('loaded', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='running', to='store.packageset')),
                ('packages', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='groups', to='store.packageset')),
                ('server', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='store.server')),
            ],
        ),
        migrations.CreateModel(
            name='FoundEnvironment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=300)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
                ('data', models.TextField(help_text='this part of the report, as JSON')),
                ('kind', models.CharField(blank=True, max_length=40)),
                ('python', models.CharField(blank=True, max_length=200)),
                ('at_rest', models.BooleanField(default=False)),
                ('unread', models.BooleanField(default=False)),
                ('packages', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='environments', to='store.packageset')),
                ('server', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='store.server')),
            ],
        ),
        migrations.CreateModel(
            name='Change',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True)),
                ('kind', models.CharField(max_length=20)),
                ('stage', models.CharField(blank=True, max_length=200)),
                ('group', models.CharField(blank=True, max_length=300)),
                ('subject', models.CharField(blank=True, max_length=300)),
                ('before', models.CharField(blank=True, max_length=200)),
                ('after', models.CharField(blank=True, max_length=200)),
                ('still_runs', models.CharField(blank=True, max_length=200)),
                ('application', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='store.application')),
                ('server', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='store.server')),
            ],
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=200)),
                ('package', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='store.package')),
            ],
        ),
        migrations.CreateModel(
            name='Member',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.TextField(blank=True)),
                ('commit', models.CharField(blank=True, max_length=200)),
                ('editable', models.BooleanField(default=False)),
                ('shadowed', models.BooleanField(default=False)),
                ('set', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='members', to='store.packageset')),
                ('version', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='members', to='store.version')),
            ],
        ),
        migrations.AddConstraint(
            model_name='instance',
            constraint=models.UniqueConstraint(fields=('server', 'application', 'stage', 'base'), name='one_instance'),
        ),
        migrations.AddIndex(
            model_name='foundsystem',
            index=models.Index(condition=models.Q(('until', None)), fields=['server', 'key'], name='system_now'),
        ),
        migrations.AddIndex(
            model_name='foundsystem',
            index=models.Index(fields=['server', 'since'], name='system_then'),
        ),
        migrations.AddIndex(
            model_name='foundsite',
            index=models.Index(condition=models.Q(('until', None)), fields=['server', 'key'], name='site_now'),
        ),
        migrations.AddIndex(
            model_name='foundsite',
            index=models.Index(fields=['server', 'since'], name='site_then'),
        ),
        migrations.AddIndex(
            model_name='foundlistener',
            index=models.Index(condition=models.Q(('until', None)), fields=['server', 'key'], name='listener_now'),
        ),
        migrations.AddIndex(
            model_name='foundlistener',
            index=models.Index(fields=['server', 'since'], name='listener_then'),
        ),
        migrations.AddIndex(
            model_name='foundlistener',
            index=models.Index(condition=models.Q(('until', None)), fields=['port'], name='listener_port'),
        ),
        migrations.AddIndex(
            model_name='foundgroup',
            index=models.Index(condition=models.Q(('until', None)), fields=['server', 'key'], name='group_now'),
        ),
        migrations.AddIndex(
            model_name='foundgroup',
            index=models.Index(fields=['server', 'since'], name='group_then'),
        ),
        migrations.AddIndex(
            model_name='foundgroup',
            index=models.Index(condition=models.Q(('until', None)), fields=['application', 'stage'], name='group_of'),
        ),
        migrations.AddIndex(
            model_name='foundenvironment',
            index=models.Index(condition=models.Q(('until', None)), fields=['server', 'key'], name='environment_now'),
        ),
        migrations.AddIndex(
            model_name='foundenvironment',
            index=models.Index(fields=['server', 'since'], name='environment_then'),
        ),
        migrations.AddIndex(
            model_name='change',
            index=models.Index(fields=['server', 'at'], name='change_of_server'),
        ),
        migrations.AddIndex(
            model_name='change',
            index=models.Index(fields=['application', 'at'], name='change_of_application'),
        ),
        migrations.AddIndex(
            model_name='change',
            index=models.Index(fields=['subject', 'at'], name='change_of_subject'),
        ),
        migrations.AddConstraint(
            model_name='version',
            constraint=models.UniqueConstraint(fields=('package', 'version'), name='one_version'),
        ),
    ]
