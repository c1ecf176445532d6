package grammar

import (
	"math/rand/v2"
	"testing"
)

// Schemas as popular libraries write them, and values that they are for.
func TestSchemasOfClients(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	v := toy(random, 100)
	for _, test := range []struct{ name, schema, value string }{
		{"a tree that refers to the whole", `{"type":"object","properties":{"type":{"type":"string","description":"of the part","enum":["div","button","form"]},"label":{"type":"string"},
			"children":{"type":"array","items":{"$ref":"#"}},"attributes":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"value":{"type":"string"}},
			"additionalProperties":false,"required":["name","value"]}}},"required":["type","label","children","attributes"],"additionalProperties":false}`,
			`{"type":"form","label":"a","children":[{"type":"div","label":"","children":[],"attributes":[]}],"attributes":[{"name":"x","value":"y"}]}`},
		{"classes of Python", `{"$defs":{"Color":{"enum":["red","blue"],"title":"Color","type":"string"},
			"Item":{"properties":{"id":{"title":"Id","type":"integer"},"color":{"anyOf":[{"$ref":"#/$defs/Color"},{"type":"null"}],"default":null},
			"tags":{"items":{"type":"string"},"title":"Tags","type":"array","default":[]},"price":{"exclusiveMinimum":0,"title":"Price","type":"number"}},"required":["id","price"],"title":"Item","type":"object"}},
			"properties":{"items":{"items":{"$ref":"#/$defs/Item"},"title":"Items","type":"array"},"when":{"format":"date-time","title":"When","type":"string"},
			"extra":{"additionalProperties":{"type":"integer"},"title":"Extra","type":"object"},"pair":{"maxItems":2,"minItems":2,"prefixItems":[{"type":"integer"},{"type":"string"}],"type":"array"},
			"kind":{"const":"order","default":"order","enum":["order"],"title":"Kind","type":"string"}},"required":["items","when"],"title":"Order","type":"object"}`,
			`{"items":[{"id":1,"color":"red","tags":["a"],"price":0.5}],"when":"2024-05-06T07:08:09Z","extra":{"a":1},"pair":[1,"b"],"kind":"order"}`},
		{"classes of TypeScript", `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"user":{"type":"object","properties":{"email":{"type":"string","format":"email"},
			"age":{"type":"integer","minimum":0,"maximum":150},"roles":{"type":"array","items":{"type":"string","enum":["a","b"]},"minItems":1}},"required":["email","age","roles"],"additionalProperties":false},
			"shape":{"anyOf":[{"type":"object","properties":{"kind":{"type":"string","const":"circle"},"radius":{"type":"number"}},"required":["kind","radius"],"additionalProperties":false},
			{"type":"object","properties":{"kind":{"type":"string","const":"square"},"side":{"type":"number"}},"required":["kind","side"],"additionalProperties":false}]},
			"note":{"type":["string","null"]},"map":{"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"$ref":"#/properties/shape"}}},"required":["user","shape","note"],"additionalProperties":false}`,
			`{"user":{"email":"a@b.org","age":42,"roles":["b","a"]},"shape":{"kind":"square","side":2},"note":null,"map":{"x":{"kind":"circle","radius":1e3}}}`},
		{"a tool's parameters", `{"type":"object","properties":{"location":{"type":"string","description":"City, e.g. \"Paris\""},"unit":{"type":"string","enum":["celsius","fahrenheit"]},
			"days":{"type":"integer","default":1,"examples":[1,2]}},"required":["location"]}`,
			`{"location": "São Paulo", "unit": "celsius"}`},
		{"OpenAPI", `{"type":"object","properties":{"id":{"type":"integer","format":"int64"},"name":{"type":"string","nullable":true,"maxLength":64},"at":{"type":"string","format":"date","readOnly":true}},
			"required":["id"],"x-vendor":{"not":1},"example":{"id":1}}`,
			`{"id":7,"name":null,"at":"2024-01-31"}`},
	} {
		g := compiled(t, v, schemaForm(test.schema))
		if !accepts(g, test.value) {
			t.Errorf("%s: %s is refused", test.name, test.value)
		}
		check, err := validator(test.schema)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		for range 10 {
			text := walk(t, g.Matcher(), random, 150)
			if err := check(text); err != nil && test.name != "OpenAPI" { // nullable is OpenAPI's alone
				t.Errorf("%s: %s\n%v", test.name, text, err)
			}
		}
	}
}
