"""Starts the graph that `face1d_ros.graph` describes. `--show-args` lists its arguments."""

from launch import Action, LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit
from launch.events import matches_action
from launch.events.process import ProcessExited, ShutdownProcess
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from face1d_ros.graph import EXIT_REFUSED, STAGES
from face1d_ros.paths import dds_profile_environment
from face1d_ros.start import MODES, Start, plan

STAGE_NAMES = ", ".join(stage.stage for stage in STAGES)

ARGUMENTS = (
    DeclareLaunchArgument(
        "source",
        default_value="",
        description="What camera_node publishes: 'portrait', a V4L2 device, a video file, an image folder or a "
        "rosbag2. Empty: what the config file says, or else the portrait.",
    ),
    DeclareLaunchArgument(
        "image_topic",
        default_value="",
        description="Image topic of a camera that runs already; camera_node is then not started.",
    ),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of all nodes and topics."),
    DeclareLaunchArgument(
        "stages",
        default_value="",
        description=f"Stages to start, with commas between, of: {STAGE_NAMES}. Empty: all.",
    ),
    DeclareLaunchArgument(
        "config",
        default_value="",
        description="ROS parameter file; share/face1d_ros/config/face1d.yaml shows every parameter with its default.",
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="false",
        choices=("true", "false"),
        description="Take the time from /clock.",
    ),
    DeclareLaunchArgument(
        "mode",
        default_value="graph",
        choices=MODES,
        description="'graph': a process a node; 'pipeline': all stages in one process.",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="info",
        description="Severity from which the nodes log: debug, info, warn, error.",
    ),
)


def generate_launch_description() -> LaunchDescription:
    """Arguments, the Fast DDS profile, and the planned nodes."""
    profile = [SetEnvironmentVariable(name, value) for name, value in dds_profile_environment().items()]
    return LaunchDescription([*ARGUMENTS, *profile, OpaqueFunction(function=_nodes)])


def _nodes(context: LaunchContext) -> list[Action]:
    given = {name: LaunchConfiguration(name).perform(context) for name in (a.name for a in ARGUMENTS)}
    starts = plan(
        stages=tuple(filter(None, given["stages"].split(","))),
        mode=given["mode"],
        image_topic=given["image_topic"],
        parameter_file=given["config"],
        use_sim_time=given["use_sim_time"] == "true",
        overrides={"camera_node": {"source": given["source"]}} if given["source"] else {},
    )
    nodes = [_node(start, given["namespace"], given["log_level"]) for start in starts]
    return [*(_end_all_if_it_refuses(node, nodes) for node in nodes), *nodes]


def _end_all_if_it_refuses(node: Node, nodes: list[Node]) -> RegisterEventHandler:
    """As `face1d up` does: another start would refuse the same configuration, and the others alone are of no use.

    The nodes of a launch file that includes this one go on.
    """

    def on_exit(event: ProcessExited, _: LaunchContext) -> list[Action]:
        if event.returncode != EXIT_REFUSED:
            return []
        told = f"{event.process_name} has refused its configuration (see above): ending the nodes of face1d_ros"
        # Told to a node that has ended, it keeps `respawn` from starting it again.
        endings = [EmitEvent(event=ShutdownProcess(process_matcher=matches_action(each))) for each in nodes]
        return [LogInfo(msg=told), *endings]

    return RegisterEventHandler(OnProcessExit(target_action=node, on_exit=on_exit))


def _node(start: Start, namespace: str, log_level: str) -> Node:
    return Node(
        package="face1d_ros",
        executable=start.node.name,
        name=start.node.name,
        namespace=namespace,
        parameters=[*filter(None, [start.parameter_file]), start.parameters],
        remappings=list(start.remappings.items()),
        ros_arguments=["--log-level", log_level],
        output="screen",
        respawn=True,
        respawn_delay=1.0,
    )
