"""What a person says of a material: corrections, verdicts, and that two are one.

    correct    a source of its own kind: it wins its fields, whatever later runs bring
    give_back  ... until it is taken back
    accept     a flagged material is right as it is
    reject     it is no product: inactive, and no later run makes it active
    restore    it is one after all
    merge      two materials are one: the sources of one go to the other
    unmerge    they were two

Each takes the supplier's lock, as every writer of the catalogue does, and leaves its audit line in
the same transaction. Raises `Refused` with a sentence where the material does not allow it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from jobtracker import audit
from jobtracker.catalogue import statements
from jobtracker.catalogue.models import (
    CatalogueSource,
    Kind,
    Material,
    MaterialMerge,
    MaterialSource,
    MaterialVersion,
    Op,
)
from jobtracker.catalogue.normalise import content_hash
from jobtracker.catalogue.provenance import ATTRIBUTE, field_of
from jobtracker.catalogue.statements import COLUMNS
from jobtracker.catalogue.write import in_transaction
from jobtracker.models import User

SUBJECT = "material"
SAYING = {"correct", "give back"}
"""The acts that leave a version beside their audit line."""

NAME = "corrections"
SEVERAL = "several candidates"
"""Why the writer flags what has its article code or EAN in common with another material."""

T = TypeVar("T")

_SAID = ("vals", "provenance", "content_hash", "changed_at")
_GROUPS = {column.field for column in COLUMNS if column.part}


class Refused(Exception):
    """The act makes no sense for the material as it is; the message is one sentence."""


def correct(
    material_id: int, values: Mapping[str, Any], provenance: Mapping[str, Any], actor: User | None
) -> dict[str, Any]:
    """Say what the fields of `values` really are; None says that there is no such value, and a
    part of `attributes` is an attribute. Returns the columns that changed, with former values.

    `provenance` has the raw texts by target, as `normalise_record` returns them.
    """
    by = {"method": f"corrected by {actor.get_username() if actor else 'the command line'}"}

    def act(material: Material) -> dict[str, Any]:
        row = _correction_of(material)
        said = dict(row.vals)
        for field, value in values.items():
            if field == "attributes":
                said[field] = said.get(field, {}) | value
            else:
                said[field] = {} if value is None and field in _GROUPS else value
        fields = {field_of(target) for target in provenance}
        where = _without(row.provenance, fields)
        where |= {target: entry | by for target, entry in provenance.items()}
        return _say(material, row, said, where, actor, "correct", fields)

    return _under_the_lock(material_id, act)


def give_back(material_id: int, field: str, actor: User | None) -> dict[str, Any]:
    """Take the correction of a field (as `field_of` names it) back; the sources decide
    again. Returns what changed, with former values."""

    def act(material: Material) -> dict[str, Any]:
        row = _correction_of(material)
        said = dict(row.vals)
        if field.startswith(ATTRIBUTE):
            name = field.removeprefix(ATTRIBUTE)
            left = {k: v for k, v in said.pop("attributes", {}).items() if k != name}
            said |= {"attributes": left} if left else {}
        else:
            said.pop(field, None)
        if said == row.vals:
            raise Refused(f"Nobody has corrected {field} of this material.")
        where = _without(row.provenance, {field})
        return _say(material, row, said, where, actor, "give back", [field])

    return _under_the_lock(material_id, act)


def accept(material_id: int, actor: User | None) -> None:
    """Say that a flagged material is right as it is."""

    def act(material: Material) -> None:
        if material.review is None:
            raise Refused("Nobody is asked to look at this material any more.")
        Material.objects.filter(pk=material.pk).update(review=None)
        audit.record(actor, "accept", SUBJECT, [material.pk], why=material.review)

    _under_the_lock(material_id, act)


def reject(material_id: int, actor: User | None) -> None:
    """Say that a material is no product. It becomes inactive for good."""

    def act(material: Material) -> None:
        if material.withdrawn:
            raise Refused("It is out of the catalogue already.")
        _withdraw(material)
        _unflag_doubles(material)
        audit.record(actor, "reject", SUBJECT, [material.pk], why=material.review)

    _under_the_lock(material_id, act)


def restore(material_id: int, actor: User | None) -> None:
    """Take a rejected material into the catalogue again."""

    def act(material: Material) -> None:
        if not material.withdrawn or _merge_of(material):
            raise Refused("Nobody has rejected this material.")
        Material.objects.filter(pk=material.pk).update(withdrawn=False)
        resolve({material.pk: True})
        audit.record(actor, "restore", SUBJECT, [material.pk])

    _under_the_lock(material_id, act)


def merge(kept_id: int, merged_id: int, actor: User | None) -> MaterialMerge:
    """Make two materials of a supplier one: the sources of `merged_id` go to `kept_id`, but for
    those that it has too."""

    def act(kept: Material) -> MaterialMerge:
        merged = _material(merged_id)
        if kept.pk == merged.pk:
            raise Refused("A material cannot be merged with itself.")
        if kept.supplier_id != merged.supplier_id:
            raise Refused("Only materials of one supplier can be merged.")
        if kept.withdrawn or merged.withdrawn:
            raise Refused("One of the two is out of the catalogue already.")
        taken = MaterialSource.objects.filter(material=kept).values("source_id")
        going = MaterialSource.objects.filter(material=merged).exclude(source_id__in=taken)
        moved = list(going.values_list("pk", flat=True))
        MaterialSource.objects.filter(pk__in=moved).update(material=kept)
        _withdraw(merged)
        _unflag_doubles(merged)
        resolve({kept.pk: None, merged.pk: None})
        done = MaterialMerge.objects.create(
            kept_id=kept.pk, merged_id=merged.pk, moved=moved, was_active=merged.active
        )
        audit.record(actor, "merge", SUBJECT, [kept.pk, merged.pk], into=kept.pk, merged=merged.pk)
        return done

    return _under_the_lock(kept_id, act)


def unmerge(merge_id: int, actor: User | None) -> MaterialMerge:
    """Make two materials of what a merge made one; the sources that went go back."""
    done = MaterialMerge.objects.filter(pk=merge_id).first()
    if done is None:
        raise Refused("There is no such merge.")

    def act(kept: Material) -> MaterialMerge:
        if not MaterialMerge.objects.filter(pk=merge_id, undone_at__isnull=True).exists():
            raise Refused("The merge was undone already.")
        if kept.withdrawn:
            raise Refused(
                "The material that was kept is out of the catalogue; bring it back first."
            )
        merged = _material(done.merged_id)
        back = MaterialSource.objects.filter(pk__in=done.moved, material=kept)
        back.update(material=merged)
        Material.objects.filter(pk=merged.pk).update(withdrawn=False)
        resolve({kept.pk: None, merged.pk: done.was_active})
        if _doubles(merged).filter(pk=kept.pk).exists():
            both = Material.objects.filter(pk__in=(kept.pk, merged.pk), review=None)
            both.update(review=SEVERAL)
        MaterialMerge.objects.filter(pk=merge_id).update(undone_at=Now())
        audit.record(actor, "undo merge", SUBJECT, [kept.pk, merged.pk])
        return done

    return _under_the_lock(done.kept_id, act)


def resolve(actives: Mapping[int, bool | None]) -> dict[int, dict[str, Any]]:
    """Work materials out again from their sources, at most `BATCH`; returns what changed, with
    former values. The caller holds the supplier's lock; `actives` as in `statements.RESOLVE`."""
    with connection.cursor() as cursor:
        cursor.execute(
            statements.RESOLVE, {"ids": list(actives), "actives": list(actives.values())}
        )
        return {pk: json.loads(old) for pk, old in cursor.fetchall()}


def _under_the_lock(material_id: int, act: Callable[[Material], T]) -> T:
    """Do an act on the material as the last writer left it."""
    supplier = _material(material_id).supplier_id

    def locked() -> T:
        with connection.cursor() as cursor:
            cursor.execute(statements.LOCK, {"supplier": supplier})
        return act(_material(material_id))

    return in_transaction(locked)


def _material(material_id: int) -> Material:
    found = Material.objects.filter(pk=material_id).first()
    if found is None:
        raise Refused(f"There is no material {material_id}; an undo may have removed it.")
    return found


def _merge_of(material: Material) -> MaterialMerge | None:
    return MaterialMerge.objects.filter(merged_id=material.pk, undone_at__isnull=True).first()


def _withdraw(material: Material) -> None:
    Material.objects.filter(pk=material.pk).update(
        withdrawn=True, active=False, review=None, changed_at=Now()
    )


def _doubles(material: Material) -> QuerySet[Material]:
    """Return the supplier's other materials that have its article code or EAN."""
    same = Q(sku_folded=material.sku_folded, sku_folded__isnull=False)
    same |= Q(ean_valid=material.ean_valid, ean_valid__isnull=False)
    others = Material.objects.filter(same, supplier=material.supplier_id, withdrawn=False)
    return others.exclude(pk=material.pk)


def _unflag_doubles(gone: Material) -> None:
    """Ask nobody any more to look at what was flagged for a double that is out of the catalogue."""
    for each in _doubles(gone).filter(review=SEVERAL):
        if not _doubles(each).exists():
            Material.objects.filter(pk=each.pk).update(review=None)


def _correction_of(material: Material) -> MaterialSource:
    """Return the material's row of corrections, an unsaved one where there is none yet."""
    source, _ = CatalogueSource.objects.get_or_create(
        supplier_id=material.supplier_id, kind=Kind.CORRECTION, name=NAME
    )
    found = MaterialSource.objects.filter(material=material, source=source).first()
    return found or MaterialSource(
        source=source, material=material, source_key=str(material.pk), vals={}, provenance={}
    )


def _without(provenance: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    return {target: each for target, each in provenance.items() if field_of(target) not in fields}


def _say(
    material: Material,
    row: MaterialSource,
    vals: dict[str, Any],
    provenance: dict[str, Any],
    actor: User | None,
    action: str,
    fields: Iterable[str],
) -> dict[str, Any]:
    """Make `vals` the material's corrections: the row, what follows from it, its version."""
    former = (dict(row.vals), row.content_hash, row.changed_at) if row.pk else ({}, None, None)
    version = MaterialVersion(
        material_id=material.pk,
        op=Op.UPDATED if row.pk else Op.ATTACHED,
        source_id=row.source_id,
        source_key=row.source_key,
        old_source={
            field: former[0].get(field)
            for field in former[0] | vals
            if former[0].get(field) != vals.get(field)
        },
        old_hash=former[1],
        old_changed_at=former[2],
        old_provenance=row.provenance if row.pk else None,
    )
    row.vals, row.provenance, row.content_hash = vals, provenance, content_hash(vals)
    row.changed_at = Now()
    if vals:
        row.save(update_fields=_SAID if row.pk else None)
        version.new_hash = row.content_hash
    elif row.pk:
        row.delete()
    # Whoever corrects a value has looked at the material.
    Material.objects.filter(pk=material.pk).update(review=None)
    old = resolve({material.pk: None}).get(material.pk, {})
    version.old = old or None
    version.save()
    audit.record(actor, action, SUBJECT, [material.pk], fields=list(fields), old=old)
    return old
