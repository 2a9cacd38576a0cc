// Package origin decides which pages may open a socket or send a request: one
// parser of what browsers send, one language of patterns, one decision. The Gateway
// and middleware.Origin both ask it, so that a list is written once.
package origin
