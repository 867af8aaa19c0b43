# mainstay.backend: what a developer runs. `make help` lists the targets; what each does is in scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help venv demo demo-clean test test-all affected lint sanity unit integration scenario bench bench-rotation bench-validate soak planted-faults docs build lock clean

S ?= default
T ?= tests/unit
F ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## .venv from the pinned requirements, and .build/collections
	@scripts/venv

demo: ## set up everything, build the quickstart's data tier on a container, rotate every secret while a program works on it
	@scripts/demo

demo-clean: ## take the demo's host, store and password away
	@scripts/demo clean

test: ## what to run before a commit: lint, units, three scenarios, refused inventories (logs: .build/logs/lane)
	@scripts/lane test

test-all: ## everything; its end writes tests/whole-run.md
	@scripts/lane test-all

affected: ## what `.ci/run` adds to `make test`
	@scripts/affected

lint: ## what can be said without running anything
	@scripts/lint

sanity: ## ansible-test sanity
	@scripts/sanity

unit: ## the pure cores and the plugins (T=PATH for a part)
	@scripts/venv && .venv/bin/pytest -q -n auto $(T)

integration: ## modules against real servers (F=FOLDER for a part)
	@scripts/integration $(F)

scenario: ## one Molecule scenario (S=default, environment, rotation, chaos, debian12, debian14)
	@scripts/scenario $(S)

bench: ## round trips and times of a run that changes nothing, and of a cold one
	@scripts/venv && scripts/engine && .venv/bin/python scripts/bench.py

bench-rotation: ## rotating 1 and 50 credentials on 1 and 5 consumers: time and round trips
	@scripts/venv && scripts/engine && .venv/bin/python scripts/bench_rotation.py

soak: ## the fuzzes of `make test` on 20,000 inputs for each loader, and files of 10 MB; rotations killed at every point and at 50 moments
	@scripts/soak

planted-faults: ## wrong lines planted in every package and role, one by one: the tests that have to fail do
	@scripts/venv && scripts/engine && .venv/bin/python scripts/planted_faults.py --write

bench-validate: ## 1,000 environment files of 100 variables for five loaders in one module call
	@scripts/venv && .venv/bin/python scripts/bench_validate.py --assert

docs: ## docs/reference.md, tables of docs/schema.md and docs/findings.md, and the roles' tables from their own documentation
	@scripts/venv && PATH="$(CURDIR)/.venv/bin:$$PATH" sh -c 'python scripts/plugin_docs.py && python scripts/role_docs.py && python scripts/schema_docs.py && python scripts/rule_docs.py'

build: ## the collection's archive in .build/dist
	@scripts/venv && .venv/bin/ansible-galaxy collection build --force --output-path .build/dist .

lock: ## pin anew what requirements.txt pulls in
	@scripts/lock

clean: demo-clean ## remove everything made here except host images
	@rm -rf .venv .venv-2.21 .build .ansible .hypothesis .pytest_cache .ruff_cache tests/output
