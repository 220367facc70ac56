"""python -m tenprint.server"""

import sys

from tenprint.server.main import serve

sys.exit(serve(sys.argv[1:]))
