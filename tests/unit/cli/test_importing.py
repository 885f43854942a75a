from hypothesis import given
from hypothesis import strategies as st

from governance.cli.importing import CONTENT, compare
from governance.roadmap import ImportedItem
from governance.service.answers import ItemView

statuses = st.sampled_from(["done", "in-progress", "planned", "proposed", "not-planned"])
items = st.builds(
    ImportedItem,
    key=st.sampled_from(["a", "b", "c"]),
    title=st.sampled_from(["One", "Two"]),
    product=st.none(),
    quarter=st.sampled_from([None, "2027-Q1"]),
    phase=st.none(),
    theme=st.none(),
    status=statuses,
    effort=st.none(),
    effort_days=st.none(),
    details=st.just(""),
    line=st.just(1),
)
documents = st.lists(items, max_size=3, unique_by=lambda i: i.key)


def recorded(plan, before=()):
    """The record after a plan, as the service would show it."""
    known = {view.item: view for view in before}
    for index, change in enumerate(plan.changes):
        item = change.item
        fields = {name: getattr(item, name) for name in CONTENT}
        known[item.item] = ItemView(
            item=item.item,
            revision=item.revision,
            revised_at=0,
            digest=f"d{index}-{item.revision}",
            index=index,
            moved_to=None,
            **fields,
        )
    return list(known.values())


@given(documents, documents)
def test_importing_again_changes_nothing_and_revisions_follow(first, second):
    plan = compare("s", first, [], "r.md", 1)
    assert plan.new == len(first) == len(plan.changes)
    assert all((c.item.revision, c.item.previous) == (1, None) for c in plan.changes)
    record = recorded(plan)
    assert compare("s", first, record, "r.md", 2).changes == ()
    later = compare("s", second, record, "r.md", 3)
    known = {v.item: v for v in record}
    for change in later.changes:
        old = known.get(change.item.item)
        assert change.item.previous == (old.digest if old else None)
        assert change.item.revision == (old.revision + 1 if old else 1)
    assert later.unchanged + len(later.changes) == len(second)
    assert set(later.absent) == set(known) - {i.key for i in second}
    assert compare("s", second, recorded(later, record), "r.md", 4).changes == ()


def test_a_document_does_not_take_back_a_commitment():
    item = ImportedItem("a", "A", None, None, None, None, "planned", None, None, "", 1)
    (view,) = recorded(compare("s", [item], [], "r.md", 1))
    fields = {f: getattr(view, f) for f in view.__struct_fields__}
    committed = ItemView(**{**fields, "status": "committed"})
    assert compare("s", [item], [committed], "r.md", 2).changes == ()
    done = ImportedItem("a", "A", None, None, None, None, "done", None, None, "", 1)
    (change,) = compare("s", [done], [committed], "r.md", 2).changes
    assert (change.item.status, change.fields) == ("done", ("status",))
