"""Draws the graph as SVG: nodes in columns by their distance from the source, topics between them."""

from __future__ import annotations

from html import escape

from face1d_ros.graph import NodeSpec, Topic

NODE_WIDTH, NODE_HEIGHT = 210, 64
TOPIC_WIDTH, TOPIC_HEIGHT = 220, 44
GAP, MARGIN, ROW = 46, 16, 84

STYLE = """
  text { font-family: system-ui, sans-serif; text-anchor: middle; fill: #1c2733; }
  .name { font-size: 15px; font-weight: 600; } .small { font-size: 11px; fill: #51606e; }
  .node { fill: #dcebf9; stroke: #2f6ea5; stroke-width: 1.5; }
  .topic { fill: #fdf3dc; stroke: #b3862b; stroke-width: 1.2; }
  .optional { fill: #fffdf7; stroke: #b3862b; stroke-width: 1.2; stroke-dasharray: 5 4; }
  .page { fill: #ffffff; } path { fill: none; stroke: #7b8794; stroke-width: 1.5; marker-end: url(#arrow); }
"""


def svg(nodes: tuple[NodeSpec, ...]) -> str:
    """The picture, the same for the same graph."""
    column_of = _columns(nodes)
    topics = list(dict.fromkeys(topic for node in nodes for topic in node.publishes))
    boxes: dict[str, tuple[int, int, int, int]] = {}
    for column in range(max(column_of.values()) + 1):
        x = MARGIN + column * (NODE_WIDTH + TOPIC_WIDTH + 2 * GAP)
        members = [node for node in nodes if column_of[node.name] == column]
        for row, node in enumerate(members):
            boxes[node.name] = (x, MARGIN + row * ROW, NODE_WIDTH, NODE_HEIGHT)
        published = [topic for topic in topics if any(topic in node.publishes for node in members)]
        for row, topic in enumerate(published):
            y = MARGIN + row * ROW + (NODE_HEIGHT - TOPIC_HEIGHT) // 2
            boxes[topic.name] = (x + NODE_WIDTH + GAP, y, TOPIC_WIDTH, TOPIC_HEIGHT)
    width = max(x + w for x, _, w, _ in boxes.values()) + MARGIN
    lowest = max(y + h for _, y, _, h in boxes.values())
    height = lowest + 2 * MARGIN
    arrows = [_arrow(boxes[node.name], boxes[topic.name]) for node in nodes for topic in node.publishes]
    arrows += [
        _arrow(boxes[topic.name], boxes[node.name], lowest + MARGIN) for node in nodes for topic in node.subscribes
    ]
    shapes = [_box(boxes[node.name], "node", node.name, f"stage: {node.stage}") for node in nodes]
    shapes += [_box(boxes[topic.name], _kind(topic), topic.name, _short_type(topic)) for topic in topics]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
            f"<style>{STYLE}</style>",
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
            ' orient="auto"><polygon points="0 0 8 4 0 8" fill="#7b8794"/></marker></defs>',
            f'<rect class="page" width="{width}" height="{height}"/>',
            *arrows,
            *shapes,
            "</svg>\n",
        ]
    )


def _kind(topic: Topic) -> str:
    """Dashed where it is only there while somebody listens."""
    return "optional" if topic.optional else "topic"


def _columns(nodes: tuple[NodeSpec, ...]) -> dict[str, int]:
    """A node stands one column behind the farthest node it hears. Nodes are listed in the order of the data."""
    column_of: dict[str, int] = {}
    for node in nodes:
        heard = [column_of[n.name] for n in nodes if n.name in column_of and set(n.publishes) & set(node.subscribes)]
        column_of[node.name] = max(heard, default=-1) + 1
    return column_of


def _box(box: tuple[int, int, int, int], kind: str, title: str, subtitle: str) -> str:
    x, y, width, height = box
    middle = x + width // 2
    radius = 8 if kind == "node" else height // 2
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>'
        f'<text class="name" x="{middle}" y="{y + height // 2 - 2}">{escape(title)}</text>'
        f'<text class="small" x="{middle}" y="{y + height // 2 + 14}">{escape(subtitle)}</text>'
    )


def _arrow(start: tuple[int, int, int, int], end: tuple[int, int, int, int], lane: int = 0) -> str:
    """From a box to one of the next column, or to a later one along the lane below all boxes."""
    x1, y1 = start[0] + start[2], start[1] + start[3] // 2
    x2, y2 = end[0], end[1] + end[3] // 2
    bend = GAP // 2
    if x2 - x1 <= GAP:
        return f'<path d="M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"/>'
    down = f"C{x1 + GAP} {y1} {x1} {lane} {x1 + GAP} {lane}"
    up = f"C{x2} {lane} {x2 - GAP} {y2} {x2} {y2}"
    return f'<path d="M{x1} {y1} {down} H{x2 - GAP} {up}"/>'


def _short_type(topic: Topic) -> str:
    return topic.type.replace("/msg/", "/")
