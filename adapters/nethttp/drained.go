package nethttp

// DrainCount is how the conversations of one kind have ended in a drain.
type DrainCount struct {
	Finished int // by themselves: answered, or left by their client
	Closed   int // told to end, and in order: a socket's close frame was sent
	Cut      int // cut when the time was up
}

// DrainReport is how the conversations have ended that were there in a drain. A
// WebSocket that a handler has upgraded by itself is not known of.
type DrainReport struct {
	Requests   DrainCount // HTTP, but for streams
	Streams    DrainCount // HTTP of apps that waited for the end: events, polls
	WebSockets DrainCount
}

// Drained returns how conversations have ended since Drain was called. It is meant for
// when the drain is over, and http.Server.Shutdown with it: those that are there still
// count as cut.
func (g *Gateway) Drained() (report DrainReport) {
	if !g.draining.Load() {
		return report
	}
	for s := range g.requests.made() {
		s.mu.Lock()
		report.Requests.sum(s.drain[0])
		report.Streams.sum(s.drain[1])
		for rec := s.first; rec != nil; rec = rec.next {
			if rec.stream.Load() {
				report.Streams.Cut++
			} else {
				report.Requests.Cut++
			}
		}
		s.mu.Unlock()
	}
	g.sockets.Lock()
	defer g.sockets.Unlock()
	report.WebSockets = g.sockets.drain
	report.WebSockets.Cut += g.sockets.open
	return report
}

// how is how a conversation ended in a drain.
type how uint8

const (
	notDrained how = iota
	finished
	closed
	wasCut
)

func (c *DrainCount) add(how how) {
	switch how {
	case finished:
		c.Finished++
	case closed:
		c.Closed++
	case wasCut:
		c.Cut++
	}
}

func (c *DrainCount) sum(more DrainCount) {
	c.Finished += more.Finished
	c.Closed += more.Closed
	c.Cut += more.Cut
}

// ended tells how a request has ended, of which an app may have been told of a drain.
func (g *Gateway) ended(rec *record, told bool) how {
	switch {
	case !g.draining.Load():
		return notDrained
	case rec.cut.Load():
		return wasCut
	case told || rec.told.Load():
		return closed
	}
	return finished
}
