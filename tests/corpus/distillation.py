"""Knowledge distillation: a wide teacher, a narrow student, soft targets with a temperature, weight averaging."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.optim.swa_utils import AveragedModel

device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
print(f"Using {device} device")
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=0.3, random_state=0, stratify=y)
train_ds = torch.utils.data.TensorDataset(torch.tensor(X_train).float(), torch.tensor(y_train))
test_ds = torch.utils.data.TensorDataset(torch.tensor(X_test).float(), torch.tensor(y_test))
train_loader = torch.utils.data.DataLoader(train_ds, batch_size=64, shuffle=True)
test_loader = torch.utils.data.DataLoader(test_ds, batch_size=256, shuffle=False)


class Wide(nn.Module):
    def __init__(self, num_classes=10):
        super(Wide, self).__init__()
        self.features = nn.Sequential(nn.Linear(64, 96), nn.Hardswish(), nn.Dropout(0.1))
        self.classifier = nn.Linear(96, num_classes)

    def forward(self, x):
        return self.classifier(self.features(x))


class Narrow(nn.Module):
    def __init__(self, num_classes=10):
        super(Narrow, self).__init__()
        self.features = nn.Sequential(nn.Linear(64, 8), nn.Tanh())
        self.classifier = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.classifier(self.features(x))


def train(model, train_loader, epochs, learning_rate, device):
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=learning_rate)
    model.train()
    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in train_loader:
            inputs, labels = inputs.to(device), labels.to(device)
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        print(f"Epoch {epoch+1}/{epochs}, Loss: {running_loss / len(train_loader):.4f}")


def test(model, test_loader, device):
    model.to(device)
    model.eval()
    correct, total = 0, 0
    with torch.no_grad():
        for inputs, labels in test_loader:
            outputs = model(inputs.to(device))
            _, predicted = torch.max(outputs.data, 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
    accuracy = 100 * correct / total
    print(f"Test Accuracy: {accuracy:.2f}%")
    return accuracy


def train_knowledge_distillation(teacher, student, train_loader, epochs, learning_rate, T, soft_target_loss_weight, ce_loss_weight):
    ce_loss = nn.CrossEntropyLoss()
    optimizer = optim.Adam(student.parameters(), lr=learning_rate)
    teacher.eval()
    student.train()
    average = AveragedModel(student, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.95))
    for epoch in range(epochs):
        running_loss = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            with torch.no_grad():
                teacher_logits = teacher(inputs)
            student_logits = student(inputs)
            soft_targets = nn.functional.softmax(teacher_logits / T, dim=-1)
            soft_prob = nn.functional.log_softmax(student_logits / T, dim=-1)
            soft_targets_loss = torch.sum(soft_targets * (soft_targets.log() - soft_prob)) / soft_prob.size()[0] * (T**2)
            label_loss = ce_loss(student_logits, labels)
            loss = soft_target_loss_weight * soft_targets_loss + ce_loss_weight * label_loss
            loss.backward()
            optimizer.step()
            average.update_parameters(student)
            running_loss += loss.item()
        print(f"Epoch {epoch+1}/{epochs}, Loss: {running_loss / len(train_loader):.4f}")
    return average


torch.manual_seed(42)
teacher = Wide().to(device)
train(teacher, train_loader, epochs=4, learning_rate=0.003, device=device)
teacher_accuracy = test(teacher, test_loader, device)

torch.manual_seed(42)
alone = Narrow().to(device)
torch.manual_seed(42)
student = Narrow().to(device)
print("Norm of 1st layer of alone:", torch.norm(alone.features[0].weight).item())
print("Norm of 1st layer of student:", torch.norm(student.features[0].weight).item())
print(f"teacher parameters: {sum(p.numel() for p in teacher.parameters()):,}, student: {sum(p.numel() for p in student.parameters()):,}")
train(alone, train_loader, epochs=4, learning_rate=0.003, device=device)
alone_accuracy = test(alone, test_loader, device)
average = train_knowledge_distillation(teacher, student, train_loader, 4, 0.003, T=2, soft_target_loss_weight=0.25, ce_loss_weight=0.75)
student_accuracy = test(student, test_loader, device)
averaged_accuracy = test(average, test_loader, device)
print(f"Teacher accuracy: {teacher_accuracy:.2f}%, alone: {alone_accuracy:.2f}%, with KD: {student_accuracy:.2f}%, averaged: {averaged_accuracy:.2f}%")
print(average.n_averaged, type(average.module).__name__)

with torch.no_grad():
    x = test_ds[:5][0]
    for T in (1, 2, 5):
        p = F.softmax(teacher(x) / T, dim=1)
        q = F.log_softmax(student(x) / T, dim=1)
        print(T, f"entropy {torch.special.entr(p).sum(1).mean():.4f}",
              f"kl {nn.KLDivLoss(reduction='batchmean')(q, p):.4f}",
              f"kl of logs {F.kl_div(q, p.log(), reduction='batchmean', log_target=True):.4f}")
