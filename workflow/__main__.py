"""python -m tenprint.workflow"""

import sys

from tenprint.workflow.main import serve

sys.exit(serve(sys.argv[1:]))
