package llamaserver

import "time"

// SlotRequest is the body of POST /slots/{id}?action=save and restore.
type SlotRequest struct {
	Filename string `json:"filename"`
}

// SlotSaved answers a save.
type SlotSaved struct {
	ID       int     `json:"id_slot"`
	Filename string  `json:"filename"`
	Tokens   int     `json:"n_saved"`
	Bytes    int64   `json:"n_written"`
	Timings  SavedMs `json:"timings"`
}

// SavedMs is how long a save took.
type SavedMs struct {
	Save float64 `json:"save_ms"`
}

// SlotRestored answers a restore.
type SlotRestored struct {
	ID       int        `json:"id_slot"`
	Filename string     `json:"filename"`
	Tokens   int        `json:"n_restored"`
	Bytes    int64      `json:"n_read"`
	Timings  RestoredMs `json:"timings"`
}

// RestoredMs is how long a restore took.
type RestoredMs struct {
	Restore float64 `json:"restore_ms"`
}

// SlotErased answers an erasure.
type SlotErased struct {
	ID     int `json:"id_slot"`
	Tokens int `json:"n_erased"`
}

// NewSlotSaved tells of a file with so many tokens and bytes.
func NewSlotSaved(id int, name string, tokens int, bytes int64, took time.Duration) SlotSaved {
	return SlotSaved{id, name, tokens, bytes, SavedMs{milliseconds(took)}}
}

// NewSlotRestored tells of a file with so many tokens and bytes.
func NewSlotRestored(id int, name string, tokens int, bytes int64, took time.Duration) SlotRestored {
	return SlotRestored{id, name, tokens, bytes, RestoredMs{milliseconds(took)}}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
