package protobuf

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/weirgo/weir/server/ask"
	"github.com/weirgo/weir/server/wire/protobuf/weirv1"
)

// Every kind of fault has a code and a reason of its own.
func TestEveryKindIsSpelt(t *testing.T) {
	seen := map[string]ask.Kind{}
	for k := range ask.Kind(ask.Kinds) {
		s := spellings[k]
		if other, twice := seen[s.reason]; s.reason == "" || twice || s.code == codeOK {
			t.Errorf("kind %d: %+v, as kind %d", k, s, other)
		}
		seen[s.reason] = k
	}
	for ours, theirs := range map[int32]codes.Code{
		codeOK: codes.OK, codeCancelled: codes.Canceled, codeInvalidArgument: codes.InvalidArgument, codeDeadlineExceeded: codes.DeadlineExceeded,
		codeNotFound: codes.NotFound, codeResourceExhausted: codes.ResourceExhausted, codeFailedPrecondition: codes.FailedPrecondition,
		codeUnimplemented: codes.Unimplemented, codeInternal: codes.Internal, codeUnavailable: codes.Unavailable, codeUnauthenticated: codes.Unauthenticated,
	} {
		if ours != int32(theirs) {
			t.Errorf("%d is %v", ours, theirs)
		}
	}
}

func TestStatus(t *testing.T) {
	fault := &ask.Fault{Kind: ask.InvalidValue, Param: "seed", What: "100 % ü\n", Remedy: "no"}
	s := NewStatus(fault, false)
	if s.Code != "3" || s.Message != "100 %25 %C3%BC%0A: no" {
		t.Errorf("%+v", s)
	}
	status := details(t, s)
	info, err := status.Details[0].UnmarshalNew()
	want := &errdetails.ErrorInfo{Reason: "INVALID_VALUE", Domain: "weir.v1", Metadata: map[string]string{"param": "seed", "remedy": "no"}}
	if err != nil || status.Code != 3 || status.Message != fault.Error() || !proto.Equal(info, want) {
		t.Errorf("%v, %v", status, err)
	}
	if late := NewStatus(fault, true); late.Code != "4" || details(t, late).Code != 4 {
		t.Errorf("%+v", late)
	}
}

func details(t *testing.T, s Status) *spb.Status {
	t.Helper()
	encoded, err := base64.RawStdEncoding.DecodeString(s.Details)
	if err != nil {
		t.Fatal(err)
	}
	status := new(spb.Status)
	if err := proto.Unmarshal(encoded, status); err != nil || len(status.Details) != 1 {
		t.Fatalf("%v, %v", status, err)
	}
	return status
}

// However long what is quoted is, a status fits where clients take 8 KiB.
func TestFaultsAreShort(t *testing.T) {
	long := strings.Repeat("ü", 1<<20)
	f := &ask.Fault{Kind: ask.InvalidValue, Param: long, What: long, Remedy: long}
	s := NewStatus(f, false)
	if n := len(s.Code) + len(s.Message) + len(s.Details); n > 7<<10 {
		t.Errorf("the status has %d bytes", n)
	}
	if text, err := url.PathUnescape(s.Message); err != nil || !strings.HasPrefix(text, "üü") {
		t.Errorf("%q, %v", text, err)
	}
	var e weirv1.Error
	if body := AppendFault(nil, f); len(body) > 4<<10 || proto.Unmarshal(body, &e) != nil || e.Reason != "INVALID_VALUE" || e.Param == "" {
		t.Errorf("%d bytes, %v", len(body), &e)
	}
}

func TestTimeout(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond, "5u": 5 * time.Microsecond, "6n": 6, "0n": 0,
		"99999999H": maxTimeout, "99999999S": maxTimeout, "00000001S": time.Second,
	} {
		if got, err := Timeout(header); err != nil || got != want {
			t.Errorf("%s: %v, %v", header, got, err)
		}
	}
	for _, header := range []string{"", "S", "1", "1s", "-1S", "+1S", "1.5S", "123456789S", " 1S", "1S "} {
		if got, err := Timeout(header); err == nil {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestReadGRPC(t *testing.T) {
	message, packed, err := ReadGRPC([]byte("\x01\x00\x00\x00\x02ab"))
	if string(message) != "ab" || !packed || err != nil {
		t.Errorf("%q, %v, %v", message, packed, err)
	}
	for _, body := range []string{"", "\x00\x00\x00\x00", "\x02\x00\x00\x00\x00", "\x00\x00\x00\x00\x01", "\x00\x00\x00\x00\x00x", "\x00\xff\xff\xff\xffx"} {
		_, _, err := ReadGRPC([]byte(body))
		if f, ok := errors.AsType[*ask.Fault](err); !ok || f.Kind != ask.BodyBroken || f.Remedy == "" {
			t.Errorf("%q: %v", body, err)
		}
	}
}
