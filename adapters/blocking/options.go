package blocking

import "github.com/parleygo/parley/bridge"

// Options configures App. The zero value is the safe default.
type Options struct {
	// Bridge is the one to run on. Default: the one in the conversation's context
	// (bridge.With), else bridge.Default.
	Bridge *bridge.Bridge

	// AnyThread lets the handler run on the bridge's pool, on any thread: for
	// handlers that block but are bound to no thread. Sensitive calls below still
	// share one thread per request.
	AnyThread bool

	// MaxRepeatedHeader is how often a request header may be repeated before the
	// request is answered with 400: code that joins the values pays for each.
	// Default 100; negative means no limit.
	MaxRepeatedHeader int
}
