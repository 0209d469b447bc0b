"""How a route's signature says that a model is read from the query.

Apart from `api`: of all functions one has such routes, and Powertools' part for them is large.
"""

from typing import Annotated, TypeVar

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

FromQuery = Annotated[Model, Query()]
"""A model whose fields are the names of the query; for the OpenAPI document alone."""
