package server

import (
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/drain"
)

// Stats is a server's state at one moment. Gauges say how many there are now, the rest
// counts since the server was made.
type Stats struct {
	Ready bool // the process wants traffic

	// Gateways is the sum of the gateways in the process: the server's own, and those
	// mounted further down that have served a request. A request is counted once.
	Gateways nethttp.Stats

	// Leaked counts apps of all kinds, the lifespan's among them, that went on when
	// their conversation was long over.
	Leaked uint64

	Sessions        int    // gauge: clients without a socket (package fallback)
	SessionsOpened  uint64 // of such
	SessionsRefused uint64 // clients that got none: too many, draining, or a foreign page
	SessionsLost    uint64 // whose client has not come back
	SessionsSlow    uint64 // ended since their client does not read
	SessionsPanics  uint64 // whose app did not return
	SessionsIn      uint64 // messages of their clients
	SessionsOut     uint64 // messages for them

	Connections  int    // gauge: open, but for those that became WebSockets of HTTP/1
	Accepted     uint64 // connections
	Refused      uint64 // connections beyond Listener.MaxConns, where they are refused
	AcceptErrors uint64 // such as a descriptor limit that is reached
	TLSErrors    uint64 // handshakes that failed
}

// Stats returns the server's state. The figures may be some apart while clients come
// and go.
func (s *Server) Stats() Stats {
	stats := Stats{
		Ready: s.ready.wanted.Load(), Gateways: s.gateway.Stats(),
		Connections: int(s.conns.open.Load()), Accepted: s.conns.accepted.Load(),
		Refused: s.conns.refused.Load(), AcceptErrors: s.conns.failed.Load(),
		TLSErrors: s.conns.tls.Load(),
	}
	stats.Leaked = stats.Gateways.Leaked + s.leaks.Leaked()
	for who, member := range s.members.Members() {
		if gateway, ok := who.(*nethttp.Gateway); ok && gateway != s.gateway {
			more := below(gateway.Stats())
			stats.Gateways.Add(more)
			stats.Leaked += more.Leaked
		}
		if counter, ok := member.(drain.SessionCounter); ok {
			stats.addSessions(counter.Sessions())
		}
	}
	return stats
}

// below is what of a gateway's state its requests' way through the server's own one
// has not counted.
func below(stats nethttp.Stats) nethttp.Stats {
	stats.Requests, stats.Served, stats.HandlerTime = 0, 0, nethttp.Histogram{}
	return stats
}

func (s *Stats) addSessions(more drain.Sessions) {
	s.Sessions += more.Live
	s.SessionsOpened += more.Opened
	s.SessionsRefused += more.Refused
	s.SessionsLost += more.Lost
	s.SessionsSlow += more.Slow
	s.SessionsPanics += more.Panics
	s.Leaked += more.Leaked
	s.SessionsIn += more.In
	s.SessionsOut += more.Out
}
