// Package thirdparty holds tests of the adapters against other people's routers,
// middleware and WebSocket libraries, in a module of its own so that nobody
// inherits their requirements. It is never tagged.
package thirdparty
