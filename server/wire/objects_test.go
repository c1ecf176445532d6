package wire

import (
	"errors"
	"testing"

	"github.com/weirgo/weir/server/ask"
)

func TestObjects(t *testing.T) {
	for _, test := range []struct {
		body  string
		count int
		kind  ask.Kind
		param string
	}{
		{`{"list":[{"a":1},{"a":2}]}`, 2, 0, ""},
		{`{"list":[]}`, 0, 0, ""},
		{`{"list":null}`, 0, 0, ""},
		{`{"list":{}}`, 0, ask.InvalidValue, "list"},
		{`{"list":[{},null]}`, 0, ask.InvalidValue, "list"},
		{`{"list":[[]]}`, 0, ask.InvalidValue, "list"},
		{`{"list":[{"a":"x"}]}`, 0, ask.InvalidValue, "list[0].a"},
		{`{"list":[{}`, 0, ask.InvalidJSON, ""},
		{`{"list":[{},]}`, 0, ask.InvalidJSON, ""},
		{`{"list":[nul]}`, 0, ask.InvalidJSON, ""},
	} {
		var v struct {
			List Objects[struct {
				A int `json:"a"`
			}] `json:"list"`
		}
		err := Decode([]byte(test.body), &v)
		f, failed := errors.AsType[*ask.Fault](err)
		if failed != (test.kind != 0) || failed && (f.Kind != test.kind || f.Param != test.param) || !failed && len(v.List) != test.count {
			t.Errorf("%s: %+v, %+v", test.body, v, err)
		}
	}
}

func TestWhole(t *testing.T) {
	for _, test := range []struct {
		v    float64
		want string
	}{
		{2, ""}, {-1, ""}, {10, ""}, {11, "n: 11 is out of range: -1 to 10"}, {1e300, "n: 1"}, {0.5, "n: 0.5 is not a whole number"},
	} {
		n, err := Whole("n", test.v, -1, 10)
		if test.want == "" && (err != nil || float64(n) != test.v) || test.want != "" && (err == nil || err.Error()[:len(test.want)] != test.want) {
			t.Errorf("%v: %d, %v", test.v, n, err)
		}
	}
}

func TestCallsAndObjects(t *testing.T) {
	calls := AppendCall(nil, "1", "f\"", []byte(`{"a":"é"}`))
	calls = AppendCall(calls, "2", "g", []byte(`{}`))
	if got := string(calls); got != `[{"id":"1","type":"function","function":{"name":"f\"","arguments":"{\"a\":\"é\"}"}},{"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}` {
		t.Error(got)
	}
	for object, want := range map[string]string{
		"{\n \"a\" : 1,\"a\":2 }": `{"a":1,"a":2}`, "": "{}", `{"a`: "{}", `[1]`: "{}", `{} {}`: "{}",
	} {
		if got := string(AppendObject([]byte("x"), []byte(object))); got != "x"+want || IsObject([]byte(object)) != (want != "{}") {
			t.Errorf("%q: %s", object, got)
		}
	}
}
