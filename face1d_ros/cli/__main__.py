"""`python3 -m face1d_ros.cli`: what the command `face1d` starts."""

from face1d_ros.cli.main import main

if __name__ == "__main__":
    main()
