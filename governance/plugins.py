"""Plugins: the built-in one and those of installed packages, all joined by the same hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pluggy

from governance.counting import registry
from governance.counting.rule import Rule
from governance.errors import SetupFault
from governance.hooks import GROUP, Hooks, hookimpl
from governance.signing import suites

_RULES: Final = tuple(registry.RULES.values())
_SUITES: Final = tuple(suites.SUITES.values())


class BuiltIn:
    """What Althing brings itself. An audit without plugins knows the same, from the registries."""

    @hookimpl
    def counting_rules(self) -> Sequence[Rule[Any]]:
        """The rules of `governance.counting`."""
        return _RULES

    @hookimpl
    def signature_suites(self) -> Sequence[suites.Suite]:
        """The suites of `governance.signing`."""
        return _SUITES


def load_plugins(*more: object) -> pluggy.PluginManager:
    """The manager of the built-in plugin, `more` and every installed one, their rules and suites registered.

    Raises:
        SetupFault: a plugin cannot be loaded, misspells a hook, or takes a name that is taken.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(Hooks)
    try:
        manager.register(BuiltIn(), "althing")
        for plugin in more:
            manager.register(plugin)
        manager.load_setuptools_entrypoints(GROUP)
        manager.check_pending()
        _register(manager)
    except pluggy.PluginValidationError as e:
        raise SetupFault(f"the plugin {e.plugin!r} does not fit: {e}") from e
    except (ImportError, ValueError) as e:
        raise SetupFault(f"a plugin cannot be loaded: {e}") from e
    return manager


def _register(manager: pluggy.PluginManager) -> None:
    for rules in manager.hook.counting_rules():
        for rule in rules:
            if registry.RULES.get((rule.id, rule.version)) is not rule:
                registry.register(rule)
    for found in manager.hook.signature_suites():
        for suite in found:
            suites.register(suite)
