"""GG9: a row for each kind of exception, for what has none of its own. The first that fits counts."""

# ruff: noqa: E501  (lists of words)

from __future__ import annotations

from .row import Row

ROWS = {
    "GG901": Row(
        "not in glassgrad yet",
        "",
        "PyTorch has it, or a combination of it, and glassgrad has not.",
        "the sentence says what is missing; another way to write it is often there",
        kind="NotImplementedError",
    ),
    "GG902": Row(
        "an argument of another kind",
        "",
        "The sentence says what is taken, and what was given.",
        "compare the argument's type with the one that is asked for",
        kind="TypeError",
    ),
    "GG903": Row(
        "a value that is not allowed",
        "",
        "The kind is right, the value is not: the sentence says which ones are.",
        "print the argument, and compare it with what is asked for",
        kind="ValueError",
    ),
    "GG904": Row(
        "an index that is not there",
        "",
        "Indices count from 0, or from the end with -1.",
        "compare the index with the length",
        kind="IndexError",
    ),
    "GG905": Row(
        "a key that is not there",
        "",
        "Nothing is kept under this name.",
        "print the keys that there are",
        kind="KeyError",
    ),
    "GG906": Row(
        "an attribute that is not there",
        "",
        "Nothing has this name, or not in this state.",
        "compare the spelling, and what has to be called before",
        kind="AttributeError",
    ),
    "GG907": Row(
        "what was taken for granted is not so",
        "",
        "PyTorch raises this kind for some wrong arguments.",
        "the sentence says what has to hold",
        kind="AssertionError",
    ),
    "GG908": Row(
        "files",
        "",
        "A file is not there, is damaged, or holds what is not read.",
        "compare the path; load the file where it was written",
        kind="OSError",
    ),
    "GG922": Row(
        "a data set that is not there",
        "",
        "Its files are in none of the folders that are looked in, are damaged, or could not be fetched.",
        "download=True, or put them where the sentence says",
        kind="DatasetNotFound",
    ),
    "GG909": Row(
        "a library that is not installed",
        "",
        "Some rooms need a library that is not installed with the package.",
        "the sentence has the command that installs it",
        kind="ImportError",
    ),
    "GG910": Row(
        "what the file holds is not read",
        "",
        "Files are read without running anything in them.",
        "save tensors, numbers, lists and dicts of them: a state dict",
        kind="UnpicklingError",
    ),
}


def _some(words: str) -> str:
    """Sentences with one of these in them."""
    return "\n".join("{}" + word.replace("_", " ") + "{}" for word in words.split())


ROWS |= {
    "GG911": Row(
        "no such device",
        _some("CUDA cuda GPU mps device Device autocast"),
        "What is asked for needs a device that this machine, or glassgrad, has not.",
        "the CPU, or torch.cuda.is_available() first",
        kind="RuntimeError",
    ),
    "GG912": Row(
        "gradients and graphs",
        _some(
            "grad Grad backward autograd graph differenti hook leaf tangent dual_ forward_AD jvp vmap jacobian Jacobian "
            "view_ derivative inference_ func argnums independent gate stack_module functional_call"
        ),
        "The way back, forward mode or a transformation of functions cannot be taken here.",
        "the sentence says what it asks for",
        kind="RuntimeError",
    ),
    "GG913": Row(
        "two kinds of numbers",
        _some("dtype type floating_point complex cast integer Long Bool precision Overflow real_ Byte Sparse sparse"),
        "The numbers are of another kind than this takes.",
        "x.to(dtype), .float() or .long(); print x.dtype",
        kind="RuntimeError",
    ),
    "GG914": Row(
        "shapes that do not fit",
        _some(
            "size shape dim Dim element axis -D D_ broadcast batch channel length stride Stride start step matri matrix "
            "vector index indices rows values expandable square spacing repeats slice numel section padding weights pad "
            "kernel window frequency points bytes rank shifts target labels param_groups"
        ),
        "The sizes are others than the operation takes.",
        "print the shapes, and compare them with what the sentence asks for",
        kind="RuntimeError",
    ),
    "GG915": Row(
        "a value that is not allowed",
        _some(
            "xpected xpects must should only invalid Invalid unsupported Unsupported not_supported >_0 >=_0 zero positive "
            "negative larger greater Unknown required between Unrecognized unexpected not_a_valid Tried Only one_of duplicate removed not_here yet"
        ),
        "An argument's value is not one that this takes.",
        "the sentence says which values are",
        kind="RuntimeError",
    ),
    "GG916": Row(
        "not in this state",
        _some(
            "already been_called before_ after_ worker raised_Stop StopIteration timed_out empty closed finished memory "
            "storage Storage cannot can't Can't Cannot could_not Could_not need without not_given no_ none None not_ "
            "ended broken Need failed"
        ),
        "What is asked for cannot be done now, or not with this object.",
        "the sentence says what has to come before",
        kind="RuntimeError",
    ),
    "GG917": Row(
        "cannot be saved",
        "",
        "Something in it has no form in a file.",
        "save tensors, numbers, lists and dicts of them: a state dict",
        kind="PicklingError",
    ),
    "GG918": Row(
        "the end of a file before its time",
        "",
        "The file is cut off.",
        "copy or download it again",
        kind="EOFError",
    ),
    "GG919": Row(
        "memory that is not handed out",
        "",
        "Another library asked for a tensor's memory, and may not have it.",
        "detach() first, or a copy",
        kind="BufferError",
    ),
    "GG920": Row(
        "a loss that is not finite",
        "",
        "The data, or the weights as they have grown, give NaN or infinity.",
        "the sentence says which; a tenth of the learning rate, or clean data",
        kind="FloatingPointError",
    ),
    "GG921": Row(
        "a process that has failed",
        "",
        "One of the processes that were started ended otherwise than it should.",
        "run its function in this process to see its own error",
        kind="ProcessException",
    ),
}
