// Package channeltest proves channel transports, and layers on top of them. A
// transport that passes both suites may be trusted with a channel.Layer:
//
//	func TestTransport(t *testing.T) {
//		server := startServer(t)
//		connect := func(t *testing.T) channel.Transport { return dial(t, server) }
//
//		channeltest.RunTransport(t, connect)
//		channeltest.RunLayer(t, func(t *testing.T) []*channel.Layer {
//			return []*channel.Layer{
//				channel.New(channel.Options{Transport: connect(t)}),
//				channel.New(channel.Options{Transport: connect(t)}),
//			}
//		})
//	}
//
// What a transport does not have of the further interfaces the caller says with a
// reason, see [Without]. [RunInterrupter] proves that it notices when its connection
// breaks, [RunJobs] that it keeps jobs; [RunHistory] and [RunPresence] prove what layers
// make of a log and of leases. [Faulty] wraps a transport with faults from a seed, for
// tests of what is built on one.
//
// The suites use subjects and names of their own in each test, so that one server
// can serve them all. They wait for what must come, at most ten seconds each; for
// what must not come they send something after it and look at what comes first.
package channeltest
