"""Brings an older manifest up to date, by the steps that are frozen in `migrations`."""

from resumable.errors import ManifestDamaged
from resumable.manifest import migrations, tables
from resumable.manifest.connection import Connection


def upgrade(connection: Connection) -> None:
    """Bring the tables up to date, all steps in one transaction: a kill in between leaves the old version, whole."""
    if connection.version == tables.VERSION:
        return
    with connection.atomic():
        for version in range(connection.version, tables.VERSION):
            if version not in migrations.STEPS:
                raise ManifestDamaged(
                    f"{connection.path} has manifest version {version}, which is too old to be read.",
                    hint="It was left untouched. Make it again from the parts with:",
                    command=f"resumable repair {connection.path.parent.name}",
                )
            connection.script(migrations.STEPS[version])
        connection.execute(f"PRAGMA user_version={tables.VERSION}")
