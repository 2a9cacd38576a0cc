// Package protocol holds the order rules of the three protocols as state
// machines without I/O. The live adapters and the test driver ask the same
// machines, so that what passes a test passes in production.
//
// A machine's method checks one event, moves on if it is in order, and returns
// a *parley.ProtocolError that names the rule if it is not. Rule ids follow the
// table the rule comes from: A4 for HTTP, A7 for WebSocket, A8 for lifespan, A9
// for extensions, A1 for what holds everywhere.
package protocol
