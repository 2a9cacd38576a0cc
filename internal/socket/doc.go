// Package socket is the WebSocket carrier. melody (and gorilla/websocket below
// it) answers the handshake; from then on the connection is read and written
// here: one reader, one writer, bounded queues, joined writes, and a close that
// loses nothing. It knows messages and close codes but no app.
//
// Whatever a peer does costs in proportion to the bytes it sends, however they are
// framed. Whatever a connection or a response writer that others wrote does costs
// one socket.
//
// An idle socket costs one goroutine, the one that waits in Read, and no
// buffers: a read buffer is borrowed when bytes have arrived, a write buffer
// while something waits to be written.
package socket
