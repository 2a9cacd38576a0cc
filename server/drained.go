package server

import (
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/drain"
)

// member is the server's own gateway as one of those that it drains.
type member struct{ *nethttp.Gateway }

func (m member) Drained() drain.Report {
	report := m.Gateway.Drained()
	return drain.Report{
		Requests: drain.Count(report.Requests), Streams: drain.Count(report.Streams),
		WebSockets: drain.Count(report.WebSockets),
	}
}

// add adds up how the conversations of all members have ended. Each request passes the
// server's own gateway. Those that one further down has served are told apart there:
// to the own one they were a handler's.
func (r *DrainReport) add(own *nethttp.Gateway, group *drain.Group) {
	for who, m := range group.Members() {
		drained := m.Drained()
		sum(&r.Requests, drained.Requests, 1)
		sum(&r.Streams, drained.Streams, 1)
		sum(&r.WebSockets, drained.WebSockets, 1)
		sum(&r.Sessions, drained.Sessions, 1)
		if who != any(own) {
			sum(&r.Requests, asHandled(drained.Requests), -1)
			sum(&r.Requests, asHandled(drained.Streams), -1)
		}
	}
	r.Requests.Finished = max(r.Requests.Finished, 0)
	r.Requests.Cut = max(r.Requests.Cut, 0)
}

// asHandled is how requests have ended in the eyes of a gateway above, which knows of
// their handler only that it has returned or not.
func asHandled(c drain.Count) drain.Count {
	return drain.Count{Finished: c.Finished + c.Closed, Cut: c.Cut}
}

func sum(into *nethttp.DrainCount, c drain.Count, times int) {
	into.Finished += times * c.Finished
	into.Closed += times * c.Closed
	into.Cut += times * c.Cut
}
