package server

import (
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/drain"
)

// add adds up how the conversations of all members have ended.
func (r *DrainReport) add(own *nethttp.Gateway, group *drain.Group) {
	for who, m := range group.Members() {
		if gateway, ok := who.(*nethttp.Gateway); ok {
			r.addGateway(gateway.Drained(), gateway == own)
		}
		if counter, ok := m.(drain.SessionCounter); ok {
			sum(&r.Sessions, nethttp.DrainCount(counter.Sessions().Drained), 1)
		}
	}
	r.Requests.Finished = max(r.Requests.Finished, 0)
	r.Requests.Cut = max(r.Requests.Cut, 0)
}

// addGateway adds up. Each request passes the server's own gateway. Those that one
// further down has served are told apart there: to the own one they were a handler's.
func (r *DrainReport) addGateway(drained nethttp.DrainReport, own bool) {
	sum(&r.Requests, drained.Requests, 1)
	sum(&r.Streams, drained.Streams, 1)
	sum(&r.WebSockets, drained.WebSockets, 1)
	if !own {
		sum(&r.Requests, asHandled(drained.Requests), -1)
		sum(&r.Requests, asHandled(drained.Streams), -1)
	}
}

// asHandled is how requests have ended in the eyes of a gateway above, which knows of
// their handler only that it has returned or not.
func asHandled(c nethttp.DrainCount) nethttp.DrainCount {
	return nethttp.DrainCount{Finished: c.Finished + c.Closed, Cut: c.Cut}
}

func sum(into *nethttp.DrainCount, c nethttp.DrainCount, times int) {
	into.Finished += times * c.Finished
	into.Closed += times * c.Closed
	into.Cut += times * c.Cut
}
