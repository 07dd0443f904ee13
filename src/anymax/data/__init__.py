"""Data to try things on: an edge, which nothing inside imports."""

from anymax.data.sets import DataSet as DataSet
from anymax.data.sets import Split as Split
from anymax.data.sets import load as load
