package front

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/generate"
	"github.com/weirgo/weir/server/wire"
	"github.com/weirgo/weir/server/wire/llamaserver"
)

// slotAction saves, restores or erases what is kept in a place of the batch.
func (h *Handler) slotAction(x *exchange, w http.ResponseWriter, q *http.Request) error {
	keeper, ok := h.cfg.Generator.(generate.Keeper)
	if !ok {
		return notServed("slots action", "ask the server that runs the model")
	}
	id, err := strconv.Atoi(q.PathValue("id"))
	if err != nil || id < 0 || id >= h.properties().Sequences {
		return ask.Invalid("id_slot", "there is no such slot: GET /slots lists them")
	}
	action := q.URL.Query().Get("action")
	if action == "erase" {
		return h.eraseSlot(x, w, q, keeper, id)
	}
	if action != "save" && action != "restore" {
		return ask.Invalid("action", "give one of save, restore, erase")
	}
	var body llamaserver.SlotRequest
	if err := h.receive(x, w, q, &body); err != nil {
		return err
	}
	if body.Filename == "" {
		return wire.Missing("filename", "the name of a file, without a path")
	}
	begin := time.Now()
	do := keeper.SaveSlot
	if action == "restore" {
		do = keeper.RestoreSlot
	}
	file, err := do(x.attend(q), id, body.Filename)
	if err != nil {
		return err
	}
	took := time.Since(begin)
	if action == "restore" {
		return h.writeJSON(x, w, llamaserver.NewSlotRestored(id, body.Filename, file.Tokens, file.Bytes, took))
	}
	return h.writeJSON(x, w, llamaserver.NewSlotSaved(id, body.Filename, file.Tokens, file.Bytes, took))
}

// eraseSlot needs no body; nobody looks at one that is sent.
func (h *Handler) eraseSlot(x *exchange, w http.ResponseWriter, q *http.Request, keeper generate.Keeper, id int) error {
	sent := &arrival{from: q.Body}
	_, _ = io.Copy(io.Discard, sent)
	if f := h.arrivalFault(sent.err, q); f != nil {
		return f
	}
	tokens, err := keeper.EraseSlot(x.attend(q), id)
	if err != nil {
		return err
	}
	return h.writeJSON(x, w, llamaserver.SlotErased{ID: id, Tokens: tokens})
}
