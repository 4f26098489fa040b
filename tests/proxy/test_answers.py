import sys
import tests.conftest as c
def test_same(upstream):
    print([m for m in sys.modules if "conftest" in m], isinstance(upstream, c.Upstream))
    assert isinstance(upstream, c.Upstream)
