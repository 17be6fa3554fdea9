"""`glassgrad.compile`: a function or module recorded once and replayed, with elementwise chains fused.

step = glassgrad.compile(step)
step(x, y)              # recorded; the result is eager's
step(x, y)              # replayed
print(step.plan)        # what is done
print(step.reason)      # why it is not, if so
"""

from .compiled import Compiled, CompiledModule, compile

__all__ = ["Compiled", "CompiledModule", "compile"]
