package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server inside this program. It is what nats.Options.InProcess wants.
type Server struct {
	server *server.Server
	peers  int    // of Options.Peers
	listen bool   // for other programs
	temp   string // to be removed

	closing sync.Once
}

// start is how long a server may take for its listeners.
const start = time.Minute

// New starts a server and returns when it listens.
func New(o Options) (*Server, error) {
	s := &Server{listen: o.Listen != ""}
	config, err := o.config()
	if err != nil {
		return nil, err
	}
	s.peers = len(config.Routes)
	if config.StoreDir == "" {
		if s.temp, err = os.MkdirTemp("", "parley-nats-"); err != nil {
			return nil, fmt.Errorf("nats: a folder for JetStream: %w", err)
		}
		config.StoreDir = s.temp
	}
	if s.server, err = server.NewServer(config); err != nil {
		return nil, errors.Join(fmt.Errorf("nats: %w", err), s.clean())
	}
	log := &slogger{logger: o.Logger}
	s.server.SetLoggerV2(log, false, false, false)
	s.server.Start()
	if !s.ready(log) {
		_ = s.Close()
		return nil, fmt.Errorf("nats: the server does not start: %s", log.last())
	}
	return s, nil
}

// ready waits until the server listens, or has said that it cannot.
func (s *Server) ready(log *slogger) bool {
	for end := time.Now().Add(start); time.Now().Before(end) && !log.fatal.Load(); {
		if s.server.ReadyForConnections(20 * time.Millisecond) {
			return true
		}
	}
	return false
}

// InProcessConn implements what nats.go wants of a server inside the program.
func (s *Server) InProcessConn() (net.Conn, error) { return s.server.InProcessConn() }

// URL is where clients of other programs connect to. It is empty without
// Options.Listen.
func (s *Server) URL() string {
	if !s.listen {
		return ""
	}
	return s.server.ClientURL()
}

// ClusterAddr is where its peers connect to. It is empty without Options.ClusterListen.
func (s *Server) ClusterAddr() string {
	if addr := s.server.ClusterAddr(); addr != nil {
		return addr.String()
	}
	return ""
}

// Joined returns when the server has met all its peers, and the cluster can keep
// things: what is published from then on reaches all of them. It need not be called.
// Without peers it returns at once.
func (s *Server) Joined(ctx context.Context) error {
	for !s.joined() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("nats: %d of %d peers are there: %w", s.server.NumRoutes(), s.peers,
				context.Cause(ctx))
		}
	}
	return nil
}

func (s *Server) joined() bool {
	return s.server.NumRoutes() >= s.peers &&
		(!s.server.JetStreamIsClustered() || s.server.JetStreamIsCurrent())
}

// Close stops the server, and waits until it has. Transports that use it are best
// closed before. Closing again does nothing. Where a replica is being made at that very
// moment nats-server leaves two goroutines behind.
func (s *Server) Close() (err error) {
	s.closing.Do(func() {
		s.server.Shutdown()
		s.server.WaitForShutdown()
		err = s.clean()
	})
	return err
}

// clean removes what nobody needs. nats-server may still end a write there.
func (s *Server) clean() (err error) {
	if s.temp == "" {
		return nil
	}
	for range 200 {
		if err = os.RemoveAll(s.temp); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}
