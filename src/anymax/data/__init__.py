"""Data to try things on: an edge, which nothing inside imports."""

from anymax.data.csv_file import read_csv as read_csv
from anymax.data.scaling import Scaling as Scaling
from anymax.data.sets import DataSet as DataSet
from anymax.data.sets import Split as Split
from anymax.data.sets import load as load
from anymax.data.table import Table as Table
