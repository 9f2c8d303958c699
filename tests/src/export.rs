//! The billing table as DynamoDB exports it to S3: gzipped lines of DynamoDB JSON.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::Platform;

/// Where a full export has its data, below the prefix of the export.
const FULL: &str = "AWSDynamoDB/01430438400000-00000001/data";

/// Where incremental exports have their data.
const INCREMENTAL: &str = "AWSDynamoDB/data";

/// The items of the billing table at some time, by key.
#[derive(Clone, Debug)]
pub struct TableImage(BTreeMap<(String, String), Value>);

impl Platform {
    /// The billing table as it is now.
    pub async fn billing_image(&self) -> TableImage {
        let text = |value: &Value| value["S"].as_str().unwrap().to_owned();
        let keyed = |item: Value| ((text(&item["pk"]), text(&item["sk"])), item);
        TableImage(self.all_items().await.into_iter().map(keyed).collect())
    }
}

impl TableImage {
    /// Writes a full export of the table at that time into a folder, in two files.
    pub fn export(&self, folder: &Path) {
        let lines = self.0.values().map(|item| json!({ "Item": item })).collect::<Vec<_>>();
        let (one, other) = lines.split_at(lines.len() / 2);
        write(&folder.join(FULL), "aaaaaaaaaaaaaaaaaaaaaaaaaa.json.gz", one);
        write(&folder.join(FULL), "bbbbbbbbbbbbbbbbbbbbbbbbbb.json.gz", other);
    }

    /// Writes an incremental export into a folder: what changed from an earlier time to this one,
    /// with new and old images.
    pub fn export_since(&self, before: &TableImage, written_at_micros: i64, folder: &Path) {
        let keys = self.0.keys().chain(before.0.keys().filter(|key| !self.0.contains_key(*key)));
        let changed = keys.filter(|key| self.0.get(key) != before.0.get(key));
        let line = |key: &(String, String)| {
            let mut line = json!({
                "Metadata": { "WriteTimestampMicros": { "N": written_at_micros.to_string() } },
                "Keys": { "pk": { "S": key.0 }, "sk": { "S": key.1 } },
            });
            let images = [("OldImage", before.0.get(key)), ("NewImage", self.0.get(key))];
            for (name, image) in images {
                if let Some(image) = image {
                    line[name] = image.clone();
                }
            }
            line
        };
        let name = format!("{written_at_micros:026}.json.gz");
        write(&folder.join(INCREMENTAL), &name, &changed.map(line).collect::<Vec<_>>());
    }
}

fn write(folder: &Path, name: &str, lines: &[Value]) {
    std::fs::create_dir_all(folder).unwrap();
    let file = File::create(folder.join(name)).unwrap();
    let mut packer = GzEncoder::new(file, Compression::default());
    for line in lines {
        writeln!(packer, "{line}").unwrap();
    }
    packer.finish().unwrap();
}
