"""All stages in one process, without ROS: from frames to results, and results to a bag or a video."""
