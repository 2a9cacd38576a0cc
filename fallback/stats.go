package fallback

import "sync/atomic"

// Stats counts what has happened to the clients of an App since it was made.
type Stats struct {
	Sessions int   // gauge: fallback sessions, until their client knows of the end
	Running  int   // gauge: those among them whose app has not returned
	Memory   int64 // gauge: bytes that they hold, which Options.MaxMemory bounds

	Opened   uint64 // sessions that were begun
	Accepted uint64 // of those, by the app
	Denied   uint64 // of those, by the app
	Refused  uint64 // clients that got no session: too many, draining, or a foreign page
	Strange  uint64 // requests for a session that is not there, or is somebody else's
	Lost     uint64 // sessions whose client has not come back
	Slow     uint64 // sessions ended since their client does not read
	Revoked  uint64 // sessions ended with the identity they belonged to

	Panics uint64 // apps that did not return, but panicked or ended their goroutine
	Leaked uint64 // apps that went on when their session was long over: Options.LeakAfter

	Received uint64 // messages of clients
	Sent     uint64 // messages for clients
}

type counters struct {
	opened, accepted, denied, refused, strange, lost, slow, revoked, panics, received, sent atomic.Uint64
}

// Stats returns the counts. They may be some apart while sessions come and go.
func (a *App) Stats() Stats {
	c := &a.counters
	sessions, running := a.sessions.counts()
	return Stats{
		Sessions: sessions, Running: running, Memory: a.memory.used.Load(),
		Opened: c.opened.Load(), Accepted: c.accepted.Load(), Denied: c.denied.Load(),
		Refused: c.refused.Load(), Strange: c.strange.Load(),
		Lost: c.lost.Load(), Slow: c.slow.Load(), Revoked: c.revoked.Load(),
		Panics: c.panics.Load(), Leaked: a.leaks.Leaked(),
		Received: c.received.Load(), Sent: c.sent.Load(),
	}
}
