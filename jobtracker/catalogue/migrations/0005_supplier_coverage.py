import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Each supplier's first figures, from what is there.
BEGIN = """
INSERT INTO supplier_coverage
    (supplier_id, day, job_id, active, inactive, price, picture, ean, size, colour)
SELECT supplier_id, (now() AT TIME ZONE 'UTC')::date, NULL,
    count(*) FILTER (WHERE active),
    count(*) FILTER (WHERE NOT active),
    count(*) FILTER (WHERE active AND price IS NOT NULL),
    count(*) FILTER (WHERE active AND images <> '[]'),
    count(*) FILTER (WHERE active AND ean IS NOT NULL),
    count(*) FILTER (WHERE active AND (size_text IS NOT NULL OR width_mm IS NOT NULL)),
    count(*) FILTER (WHERE active AND colour IS NOT NULL)
FROM materials
WHERE NOT withdrawn AND supplier_id IN (SELECT id FROM suppliers)
GROUP BY supplier_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalogue', '0004_fingerprint'),
    ]

    operations = [
        migrations.CreateModel(
            name='SupplierCoverage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('job_id', models.UUIDField(help_text='The run after which it was counted.', null=True)),
                ('active', models.PositiveIntegerField()),
                ('inactive', models.PositiveIntegerField()),
                ('price', models.PositiveIntegerField(verbose_name='with a price')),
                ('picture', models.PositiveIntegerField(verbose_name='with a picture')),
                ('ean', models.PositiveIntegerField(verbose_name='with an EAN')),
                ('size', models.PositiveIntegerField(verbose_name='with a size')),
                ('colour', models.PositiveIntegerField(verbose_name='with a colour')),
                ('supplier', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='coverage', to='catalogue.supplier')),
            ],
            options={
                'db_table': 'supplier_coverage',
                'ordering': ('supplier', '-day'),
            },
        ),
        migrations.AddConstraint(
            model_name='suppliercoverage',
            constraint=models.UniqueConstraint(fields=('supplier', 'day'), name='supplier_coverage_one_a_day'),
        ),
        migrations.AddIndex(
            model_name='material',
            index=models.Index(fields=['supplier', 'id'], name='materials_by_supplier'),
        ),
        migrations.RunSQL(BEGIN, migrations.RunSQL.noop),
    ]
