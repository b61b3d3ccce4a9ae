"""Tests of what pictures tell without being looked at."""
