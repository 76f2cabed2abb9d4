"""Libraries of kernels, where they are installed: quack and FlashInfer."""

from torch_peers import Absent


def plain(request):
    if any(request["flags"].get(flag) for flag in ("gated", "unit_offset", "bias")):
        raise Absent("it has no form with these flags")


def quack(request, sets):
    from quack import rmsnorm, softmax

    kernel, s = request["kernel"], request["scalars"]
    if kernel == "rms_norm":
        plain(request)
        weights = [t["weight"].float() for t in sets]
        return lambda i: {"out": rmsnorm(sets[i]["x"], weights[i], eps=s["eps"])}
    if kernel == "add_rms_norm":
        plain(request)
        weights = [t["weight"].float() for t in sets]

        def call(i):
            # The sum comes back as a tensor of its own: quack does not write the residual in place.
            out, residual = rmsnorm(sets[i]["x"], weights[i], residual=sets[i]["residual"], eps=s["eps"], prenorm=True)
            return {"out": out, "residual": residual}

        return call
    if kernel == "softmax":
        return lambda i: {"out": softmax(sets[i]["x"])}
    raise Absent(f"quack has no {kernel}")


def flashinfer(request, sets):
    import flashinfer

    kernel, s = request["kernel"], request["scalars"]
    plain(request)
    if kernel == "rms_norm":
        return lambda i: {"out": flashinfer.rmsnorm(sets[i]["x"], sets[i]["weight"], s["eps"], out=sets[i]["out"])}
    if kernel == "add_rms_norm":

        def call(i):
            # Both are overwritten: x by the norm, the residual by the sum.
            t = sets[i]
            flashinfer.fused_add_rmsnorm(t["x"], t["residual"], t["weight"], s["eps"])
            return {"out": t["x"]}

        return call
    if kernel == "swiglu":
        return lambda i: {"out": flashinfer.silu_and_mul(sets[i]["gate_up"], out=sets[i]["out"])}
    raise Absent(f"FlashInfer has no {kernel}")
