"""Templates of pages, compiled once for each language, with what is known by then already written in.

A page asks for some two hundred texts, fifty icons and as many addresses, and nearly all of them are the same
whenever it is drawn: they follow from the template, the language and where the application is mounted. Here they
are put into the compiled template instead of being asked for each time, so that long runs of a page are one string.
"""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, Self

from flask import has_request_context, request
from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, Macro
from jinja2.visitor import NodeTransformer
from markupsafe import Markup
from werkzeug.routing import BuildError

from console.web import catalog
from console.web.addresses import url_for
from console.web.filters import icon

BY_MOUNT: dict[str, Callable[..., Any]] = {"icon": icon, "url_for": url_for}
_PLAIN = {FunctionType, MethodType, BuiltinFunctionType}


class PageTemplate(Template):
    """Is made into a module once, where Jinja compares all names known to both sides at each import.

    It looks for names that only the template which imports knows. Here all templates know the same.
    """

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:  # noqa: ARG002  (Jinja passes it)
        return super()._get_default_module()


class PageContext(Context):
    """Calls a function or a macro at once, where Jinja looks three times whether it wants more than was given."""

    def call(__self, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  (as Jinja has it: names may be "self")
        """Call ``__obj``, as Jinja does."""
        kind = type(__obj)
        if kind is not Macro and (kind not in _PLAIN or hasattr(__obj, "jinja_pass_arg")):
            return super().call(__obj, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        if kind is Macro:
            return __obj(__self.eval_ctx, *args, **kwargs)
        return __obj(*args, **kwargs)


class PageEnvironment(Environment):
    """Flask's environment, which gives a page in the language it is asked for in."""

    context_class = PageContext
    template_class = PageTemplate
    # Of an environment for one language and mount: which, and its siblings.
    written_for: tuple[str, str | None] | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Functions without arguments whose outcome follows from the language alone; add to it before the first page.
        self.by_language: dict[str, Callable[..., Any]] = {"_": catalog.written}

    def get_template(self, *args: Any, **kwargs: Any) -> Template:
        """Return a template in the language of this request."""
        if self.written_for is not None:
            return super().get_template(*args, **kwargs)
        return self._here().get_template(*args, **kwargs)

    def select_template(self, *args: Any, **kwargs: Any) -> Template:
        """Return the first template that there is, in the language of this request."""
        if self.written_for is not None:
            return super().select_template(*args, **kwargs)
        return self._here().select_template(*args, **kwargs)

    def _here(self) -> Self:
        # Without a request an address cannot be told.
        mount = request.script_root if has_request_context() else None
        key = (catalog.language(), mount)
        siblings: dict[tuple[str, str | None], Self] = self.__dict__.setdefault("siblings", {})
        found = siblings.get(key)
        if found is None:
            found = self.overlay()
            found.written_for = key
            siblings[key] = found
        return found

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        """Write in what is known; Jinja's own hook before the code is made."""
        if self.written_for is not None:
            mounted = self.written_for[1] is not None
            _Known(self.by_language | (BY_MOUNT if mounted else {})).visit(source)
        return super()._generate(source, *args, **kwargs)


class _Known(NodeTransformer):
    """Puts the outcome in the place of a call that always has the same."""

    def __init__(self, functions: dict[str, Callable[..., Any]]) -> None:
        self._functions = functions

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802  (named after what it visits)
        """Let ``{{ 'x' if y }}`` write nothing, where Jinja makes an object that explains why it is nothing."""
        self.generic_visit(node)
        for one in node.nodes:
            if isinstance(one, nodes.CondExpr) and one.expr2 is None:
                one.expr2 = nodes.Const("", lineno=one.lineno)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802  (named after what it visits)
        """Replace a call of ours whose arguments are all written out."""
        self.generic_visit(node)
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        function = self._functions.get(name)
        if function is None or node.dyn_args is not None or node.dyn_kwargs is not None:
            return node
        given = [*node.args, *(pair.value for pair in node.kwargs)]
        if not all(isinstance(one, nodes.Const) for one in given):
            return node
        if name == "_" and node.kwargs:  # what is filled in is escaped there
            return node
        return self._written(node, function)

    @staticmethod
    def _written(node: nodes.Call, function: Callable[..., Any]) -> nodes.Node:
        args = [one.value for one in node.args if isinstance(one, nodes.Const)]
        kwargs = {pair.key: pair.value.value for pair in node.kwargs if isinstance(pair.value, nodes.Const)}
        try:
            value = function(*args, **kwargs)
        except BuildError:  # told where the page is drawn, with the line
            return node
        if isinstance(value, str) and not isinstance(value, Markup):
            value = str(value)
        return nodes.Const(value, lineno=node.lineno)
