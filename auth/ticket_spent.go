package auth

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/parleygo/parley/middleware"
)

// SpentTickets remembers tickets. Spend returns false if id was spent before. It
// may forget id after until. With Redis it is SET id 1 NX EXAT until.
type SpentTickets interface {
	Spend(ctx context.Context, id string, until time.Time) (first bool, err error)
}

// spentHere remembers tickets in this process: those of now, and those of two TTLs
// before. The oldest have expired, also where the clock was set back by a TTL; what it
// was set back by more than that is refused before it gets here.
type spentHere struct {
	ttl time.Duration

	mu    sync.Mutex
	spent [3]map[string]struct{} // the newest first
	next  time.Time              // when the oldest are forgotten
}

var errManyTickets = &middleware.Refusal{
	By: "ticket", Reason: "too-many", Status: http.StatusServiceUnavailable, RetryAfter: time.Second,
}

func (s *spentHere) Spend(_ context.Context, id string, _ time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(time.Now())
	for _, ids := range s.spent {
		if _, was := ids[id]; was {
			return false, nil
		}
	}
	if len(s.spent[0]) >= 1<<20 {
		return false, errManyTickets
	}
	s.spent[0][id] = struct{}{}
	return true, nil
}

// forget forgets the oldest when their time is over, and after a while without tickets
// all of them. The caller holds mu.
func (s *spentHere) forget(now time.Time) {
	if !now.After(s.next) {
		return
	}
	if now.After(s.next.Add(2 * s.ttl)) {
		s.spent = [3]map[string]struct{}{}
	}
	s.spent = [3]map[string]struct{}{make(map[string]struct{}), s.spent[0], s.spent[1]}
	s.next = now.Add(s.ttl)
}
