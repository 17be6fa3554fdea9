# make train    learn MNIST with an MLP and a CNN, leave a report to open
# make test     the fast tests
# make check    what a change must pass: format, lint, types, and the tests (import directions and docs code are tests)
# make oracle   the same numbers as PyTorch, SciPy and, where it installs, JAX
# make parity   run PyTorch's operator database through both libraries and write docs/parity.md
# make programs run the corpus of programs under PyTorch and glassgrad and write docs/programs.md
# make pictures the pictures of docs/draw.md and docs/step.md: by their own code, a screen and a page
# make errors   docs/errors.md, from the catalogue of errors, each example run
# make browser  the pages that draw and step write, driven in headless Chromium
# make bench    the benchmarks, beside the peers
#
# Each command first installs what it needs into .venv, once: a stamp file there remembers it until what is installed from
# (pyproject.toml, setup.py, the kernels) changes.
# pip is used as you configured it. JOBS=4 runs the tests in four processes, PYTHON=python3.13 makes .venv with that Python.

PYTHON ?= python3
JOBS   ?= 2
BENCH  ?= $(filter-out %/work.py %/growth.py,$(sort $(wildcard benchmarks/*.py)))

VENV   := .venv
KERNELS := $(wildcard src/glassgrad/*/native/*)
PY     := $(VENV)/bin/python
# One BLAS thread a test process: two pools that spin on the same cores stand in each other's way.
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(PY) -m pytest -q -n $(JOBS) --durations=15
FAST   := tests --ignore=tests/oracle

# Where it is set, each of the processes that the tests start compiles the package anew.
unexport PYTHONDONTWRITEBYTECODE

# Data sets that lie beside the checkout are used without a word from the user.
DATA   := $(abspath $(wildcard ../shared/data))
ifneq ($(DATA),)
export GLASSGRAD_DATA ?= $(DATA)
endif

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help train test check lint types format oracle parity programs pictures errors browser installed oldest kernels-off sanitize bench clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

# --- what each command needs ---------------------------------------------------------------------------------

NEEDS_train  := plot,cli,digits
NEEDS_test   := all,test
NEEDS_check  := all,dev
NEEDS_oracle := all,oracle

# Some systems ship Python without ensurepip: there the outer pip fills the new environment.
$(VENV)/.made:
	@$(PYTHON) -m venv $(VENV) || { \
	  $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(PY) install --quiet pip; }
	@touch $@

$(VENV)/.has-%: pyproject.toml setup.py $(KERNELS) | $(VENV)/.made
	@echo "installing glassgrad[$(NEEDS_$*)] into $(VENV)"
	@$(PY) -m pip install --quiet --editable ".[$(NEEDS_$*)]" $(NUMPY)
	@touch $@

$(VENV)/.has-jax: pyproject.toml | $(VENV)/.has-oracle
	@$(PY) -m pip install --quiet jax || echo "jax does not install here: its comparisons will be skipped"
	@touch $@

# --- the commands --------------------------------------------------------------------------------------------

train: $(VENV)/.has-train
	$(PY) -m glassgrad train mnist --model mlp
	$(PY) -m glassgrad train mnist --model cnn

test: $(VENV)/.has-test
	$(PYTEST) $(FAST)

check: lint types $(VENV)/.has-check
	$(PYTEST) $(FAST)

lint: $(VENV)/.has-check
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .

types: $(VENV)/.has-check
	$(VENV)/bin/mypy

format: $(VENV)/.has-check
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

oracle: $(VENV)/.has-oracle $(VENV)/.has-jax
	$(PYTEST) tests/oracle

parity: $(VENV)/.has-oracle
	cd tests && OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONPATH=. ../$(PY) -m oracle.page --jobs $(JOBS)

programs: $(VENV)/.has-oracle
	cd tests && PYTHONPATH=. ../$(PY) -m oracle.corpus --write

pictures: $(VENV)/.has-test
	$(PY) docs/pictures/make.py

errors: $(VENV)/.has-test
	cd tests && PYTHONPATH=../src:. ../$(PY) -m errors_page

# The pages, driven by a browser. Chromium is the system's: without it these tests are skipped.
browser: $(VENV)/.has-test
	$(PY) -m pip install --quiet playwright
	$(PYTEST) tests/test_draw.py tests/test_step_page.py tests/test_step_server.py

# What pip installs from here, away from its sources: each module is there, and a program runs.
INSTALLED := build/installed
installed: $(VENV)/.made
	rm -rf $(INSTALLED) && $(PYTHON) -m venv $(INSTALLED) && $(INSTALLED)/bin/python -m pip install --quiet .
	cd $(INSTALLED) && printf 'import torch\nx = torch.ones(3, requires_grad=True)\nx.square().sum().backward()\nprint(x.grad)\n' \
	  | bin/glassgrad run - && bin/python -c "import glassgrad, importlib, pkgutil; \
	  names = [m.name for m in pkgutil.walk_packages(glassgrad.__path__, 'glassgrad.') if not m.name.endswith('__main__')]; \
	  assert 'installed' in glassgrad.__file__ and len(names) > 300, names; \
	  [importlib.util.find_spec(name) for name in names]; print(len(names), 'modules installed')"

# The oldest NumPy: every test without the kernels, and with them those that call them most.
OLDEST := --no-print-directory VENV=.venv-oldest NUMPY="numpy==2.2.*"
oldest:
	@$(MAKE) $(OLDEST) kernels-off
	@$(MAKE) $(OLDEST) test FAST="tests/test_kernels.py tests/test_cases.py"

# Kernels are an opinion about speed: without their folder every test still passes.
kernels-off: export PYTHONPATH := $(abspath build/kernels-off)
kernels-off: $(VENV)/.has-test
	rm -rf build/kernels-off && mkdir -p build/kernels-off
	cp -r src/glassgrad build/kernels-off/ && rm -rf build/kernels-off/glassgrad/kernels \
	  build/kernels-off/glassgrad/scalar/_tape*
	$(PY) -c "import glassgrad; assert 'kernels-off' in glassgrad.__file__, glassgrad.__file__"
	$(PYTEST) $(FAST) --override-ini="pythonpath=build/kernels-off tests"

# The compiled parts with every access and every conversion checked, on the tests that call them most. GCC or Clang on
# Linux.
SANITIZED := build/sanitized/glassgrad
sanitize: $(VENV)/.has-test
	rm -rf build/sanitized && mkdir -p build/sanitized
	cp -r src/glassgrad build/sanitized/ && rm -f $(SANITIZED)/kernels/*.so $(SANITIZED)/scalar/*.so
	for part in kernels/native:kernels/engine scalar/native:scalar/_tape; do \
	$(CXX) -std=c++17 -O1 -g -march=native -ffp-contract=off -fPIC -shared -fvisibility=hidden \
	  -fsanitize=address,undefined -fno-sanitize=vptr -DGLASSGRAD_LEVEL=engine \
	  $$($(PY) -c "import numpy, sysconfig; print('-I' + numpy.get_include(), '-I' + sysconfig.get_paths()['include'])") \
	  $(SANITIZED)/$${part%:*}/*.cpp -pthread -o $(SANITIZED)/$${part#*:}$$($(PY) -c \
	  "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))") || exit 1; done
	LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libubsan.so)" \
	  PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 $(PY) -m pytest -q -p no:xdist -p no:cacheprovider -s \
	  --override-ini="pythonpath=build/sanitized tests" tests/test_kernels.py tests/test_autograd.py \
	  tests/test_recurrent.py tests/test_scalar.py tests/test_scalar_compiled.py tests/test_scalar_capture.py

bench: $(VENV)/.has-oracle $(VENV)/.has-jax
	@for file in $(BENCH); do echo "== $$file" && $(PY) $$file || exit 1; done

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path "./.venv*" -prune -exec rm -rf {} +
