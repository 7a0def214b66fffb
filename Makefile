# Every target shares one setup: scripts/bootstrap.py makes the environment, or sees in a moment that it is up to date.
#   PYTHON=python3.12           the Python to use (3.10 to 3.12)
#   VENV=/path                  the environment's folder
#   FACE1D_ROS_DISTRO=kilted    the wheels to use where no ROS 2 is sourced
VENV ?= $(CURDIR)/.venv
SETUP = python3 scripts/bootstrap.py --venv "$(VENV)"
TRAINING = $(SETUP) --training
KILTED = FACE1D_ROS_DISTRO=kilted python3 scripts/bootstrap.py --venv "$(CURDIR)/.venv-kilted"
ARGS ?=

.PHONY: help setup demo test lint format types pip colcon kilted clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## make or update the environment
	@$(SETUP)

demo: ## run every stage on the built-in portrait, or SOURCE=/dev/video0, SOURCE=film.mp4; DURATION=20
	@$(SETUP) -- face1d demo $(if $(SOURCE),--source "$(SOURCE)") $(if $(DURATION),--duration "$(DURATION)") $(ARGS)

test: ## run all tests; ARGS="-k name" for some
	@$(TRAINING) -- python -m pytest $(ARGS)

lint: ## ruff: rules and format
	@$(SETUP) -- ruff check .
	@$(SETUP) -- ruff format --check .

format: ## let ruff repair what it can
	@$(SETUP) -- ruff check --fix .
	@$(SETUP) -- ruff format .

types: ## mypy
	@$(TRAINING) -- mypy

colcon: ## colcon build of this checkout (copied, linked, interfaces only), and proof that each works
	@$(SETUP) -- scripts/check_colcon.sh

pip: ## pip install in a clean environment with build isolation, and proof that it works
	@$(SETUP) -- scripts/check_pip.sh

kilted: ## the package and the colcon builds with ROS 2 Kilted, in an environment of its own
	@$(KILTED) -- python -m pytest test/packaging
	@$(KILTED) -- scripts/check_colcon.sh

clean: ## remove all that was built, and the environments
	rm -rf build dist install log *.egg-info .venv .venv-kilted .venv.lock .venv-kilted.lock .mypy_cache .pytest_cache .ruff_cache
