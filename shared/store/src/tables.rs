//! Making the tables where no deployment has: in the local stack and in tests.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};

use crate::schema::{DISPATCH_AT_S, DUE_INDEX, DUE_SHARD, PK, SK};
use crate::{BillingTable, EventsTable, StoreError, UsageTable};

const CREATE: &str = "create a table";

impl UsageTable {
    /// Makes the table as the template does; one that exists is left as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when DynamoDB refuses.
    pub async fn create(&self) -> Result<(), StoreError> {
        let extras = Extras { is_indexed: false, stream: Some(StreamViewType::KeysOnly) };
        create(&self.client, &self.table, extras).await
    }
}

impl BillingTable {
    /// Makes the table as the template does; one that exists is left as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when DynamoDB refuses.
    pub async fn create(&self) -> Result<(), StoreError> {
        let extras = Extras { is_indexed: true, stream: Some(StreamViewType::NewAndOldImages) };
        create(&self.client, &self.table, extras).await?;
        self.create_registry().await
    }
}

impl EventsTable {
    /// Makes the table as the template does; one that exists is left as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when DynamoDB refuses.
    pub async fn create(&self) -> Result<(), StoreError> {
        let extras = Extras { is_indexed: true, stream: Some(StreamViewType::NewAndOldImages) };
        create(&self.client, &self.table, extras).await
    }
}

/// What a table has besides its keys.
#[derive(Clone, Debug, Default)]
struct Extras {
    /// The index of records with work.
    is_indexed: bool,
    /// The images of the items in the table's stream, if it has one.
    stream: Option<StreamViewType>,
}

async fn create(client: &Client, table: &str, extras: Extras) -> Result<(), StoreError> {
    let built = |error: BuildError| StoreError::corrupt(CREATE, error);
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute(PK, ScalarAttributeType::S).map_err(built)?)
        .attribute_definitions(attribute(SK, ScalarAttributeType::S).map_err(built)?)
        .key_schema(key(PK, KeyType::Hash).map_err(built)?)
        .key_schema(key(SK, KeyType::Range).map_err(built)?);
    if extras.is_indexed {
        request = request
            .attribute_definitions(attribute(DUE_SHARD, ScalarAttributeType::S).map_err(built)?)
            .attribute_definitions(attribute(DISPATCH_AT_S, ScalarAttributeType::N).map_err(built)?)
            .global_secondary_indexes(due_index().map_err(built)?);
    }
    if let Some(view) = extras.stream {
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(view);
        request = request.stream_specification(stream.build().map_err(built)?);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error.as_service_error().is_some_and(|e| e.is_resource_in_use_exception()) =>
        {
            Ok(())
        }
        Err(error) => Err(StoreError::aws(CREATE, error)),
    }
}

fn due_index() -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(DUE_INDEX)
        .key_schema(key(DUE_SHARD, KeyType::Hash)?)
        .key_schema(key(DISPATCH_AT_S, KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}
