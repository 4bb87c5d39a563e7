"""Tests of tests of workflows."""
