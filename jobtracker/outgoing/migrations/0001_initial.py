import django.db.models.functions.datetime
from django.db import migrations, models

# For the tables of queues; the argument names the queue. Whoever inserts a waiting row makes its
# host known and wakes the senders.
NOTE = """
CREATE FUNCTION note_outgoing_hosts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM added WHERE status IN ('pending', 'retrying') LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO outgoing_hosts (queue, host)
    SELECT TG_ARGV[0], found.host
    FROM (SELECT DISTINCT host FROM added WHERE status IN ('pending', 'retrying')) found
    WHERE NOT EXISTS (
        SELECT FROM outgoing_hosts h WHERE h.queue = TG_ARGV[0] AND h.host = found.host)
    ORDER BY found.host
    ON CONFLICT (queue, host) DO NOTHING;
    PERFORM pg_notify('outgoing', TG_ARGV[0]);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OutgoingHost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("queue", models.CharField(max_length=20)),
                ("host", models.CharField(max_length=255)),
                ("not_before", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text="It rests until then.")),
                ("failures", models.PositiveIntegerField(db_default=0, default=0, help_text="In a row.")),
                ("claim", models.UUIDField(blank=True, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                "db_table": "outgoing_hosts",
                "ordering": ["-pk"],
                "constraints": [models.UniqueConstraint(fields=("queue", "host"), name="outgoing_host_once")],
            },
        ),
        migrations.RunSQL(NOTE, "DROP FUNCTION note_outgoing_hosts()"),
    ]
