package record

import (
	"slices"
	"time"
)

// A Request is a time in the life of a goroutine that has a name: it is a track of
// its own in traces.
type Request struct {
	rec    *Recorder
	id     string
	g      uint64  // 0: it is nobody's in particular
	phases []Phase // of nobody's
	// Of the lock of the recorder's requests.
	from, to int64 // to 0: it is open
}

// A Phase is a named part of a request that several goroutines have worked on.
type Phase struct {
	Name     string
	From, To int64 // of [Recorder.Now]
}

// Request begins a request of the calling goroutine, which End ends. A goroutine may
// have several, one inside the other or not. The last 4096 are kept. It costs a
// microsecond.
func (r *Recorder) Request(id string) *Request {
	q := &Request{rec: r, id: id, g: r.source.goroutine(), from: r.Now()}
	r.keep(q, q.from)
	return q
}

// Add adds a request that is over, of no goroutine in particular. The phases are in
// order and follow each other; they are its caller's again when Add returns. It waits
// for nobody for longer than it takes to go through a list.
func (r *Recorder) Add(id string, from, to int64, phases ...Phase) {
	r.keep(&Request{rec: r, id: id, phases: slices.Clone(phases), from: from, to: max(from, to)}, r.Now())
}

func (r *Recorder) keep(q *Request, now int64) {
	r.requests.Lock()
	defer r.requests.Unlock()
	r.dropRequests(now)
	r.requests.all = append(r.requests.all, q)
}

// dropRequests makes room for one more: those at the head that ended before the
// flight begins go, and if there are too many nevertheless, the one that came first.
func (r *Recorder) dropRequests(now int64) {
	oldest := now - int64(r.cfg.Window)
	drop := 0
	all := r.requests.all
	for drop < len(all) && (all[drop].to != 0 && all[drop].to < oldest || len(all)-drop >= maxRequests) {
		drop++
	}
	clear(all[:drop])
	r.requests.all = all[drop:]
}

// ID returns what the request was begun with.
func (q *Request) ID() string { return q.id }

// End ends the request. Any goroutine may call it; a second End does nothing.
func (q *Request) End() {
	now := q.rec.Now()
	q.rec.requests.Lock()
	defer q.rec.requests.Unlock()
	if q.to == 0 {
		q.to = now
	}
}

// Time returns how long the request took, or takes until now.
func (q *Request) Time() time.Duration {
	from, to := q.interval()
	return time.Duration(to - from)
}

func (q *Request) interval() (from, to int64) {
	now := q.rec.Now()
	q.rec.requests.Lock()
	defer q.rec.requests.Unlock()
	if q.to != 0 {
		now = q.to
	}
	return q.from, now
}

// Explain says where the request's time went, until its end or until now. See
// [Recorder.Explain].
func (q *Request) Explain() Parts {
	from, to := q.interval()
	return q.rec.Explain(q.g, from, to)
}
