"""Parsed templates → the same with counters in them, so that what a render costs is known while it runs.

Every body pays when it is entered, loops each time around; what takes longer the longer a value is pays for its size.
"""

from jinja2 import nodes

SPEND = "spend"
WEIGH = "weigh"
WEIGH_LOOP = "weigh loop"
_BODIES = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block, nodes.If)


def counted(tree: nodes.Template) -> nodes.Template:
    """Put counters into a template, which is changed."""
    for node in list(tree.find_all(nodes.Node)):
        _count(node)
    _pay(tree.body, tree.lineno)
    return tree


def _count(node: nodes.Node) -> None:
    match node:
        case nodes.For():
            _count_loop(node)
        case nodes.Macro() | nodes.CallBlock() | nodes.Block():
            _pay(node.body, node.lineno)
        case nodes.If():
            _pay(node.body, node.lineno)
            _pay(node.else_, node.lineno)
        case nodes.Concat():
            node.nodes = [_weighed(one) for one in node.nodes]
        case nodes.Compare():
            node.expr = _weighed(node.expr)
            for operand in node.ops:
                operand.expr = _weighed(operand.expr)


def _count_loop(node: nodes.For) -> None:
    node.iter = _filter(node.iter, WEIGH_LOOP)
    if node.test is not None:
        asked = _spend(2 + _size(node.test)[0], 0, node.lineno)
        node.test = nodes.And(asked, node.test, lineno=node.lineno)
    _pay(node.body, node.lineno)


def _pay(body: list[nodes.Node], line: int) -> None:
    """Put what a body costs at its beginning; what stands in bodies within it pays for itself."""
    steps, characters = 1, 0
    for node in body:
        more, text = _size(node)
        steps, characters = steps + more, characters + text
    if steps > 1:
        body.insert(0, nodes.ExprStmt(_spend(steps, characters, line), lineno=line))


def _size(node: nodes.Node) -> tuple[int, int]:
    """The nodes and the characters of text below one, but for bodies of their own."""
    steps, characters, left = 0, 0, [node]
    while left:
        one = left.pop()
        steps += 1
        if isinstance(one, nodes.TemplateData):
            characters += len(one.data)
        elif isinstance(one, nodes.For):
            left += [one.iter, *one.else_]
        elif isinstance(one, nodes.If):
            left += [one.test, *one.elif_]
        elif not isinstance(one, _BODIES):
            left += one.iter_child_nodes()
    return steps, characters


def _weighed(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _filter(node, WEIGH)


def _filter(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _spend(steps: int, characters: int, line: int) -> nodes.Filter:
    cost = nodes.Const((steps, characters), lineno=line)
    return nodes.Filter(cost, SPEND, [], [], None, None, lineno=line)
